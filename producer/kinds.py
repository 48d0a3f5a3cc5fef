"""The format of a file, from its first and last bytes."""

import io
from collections.abc import Sequence
from typing import BinaryIO

PARQUET = b"PAR1"
BEGINNINGS: Sequence[tuple[bytes, str]] = (
    (PARQUET, "a parquet file; name it .parquet"),
    (b"PARE", "an encrypted parquet file; decrypt it first"),
    (b"PK\x03\x04", "an Excel workbook or another zip archive; save its sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook; save its sheet as csv"),
    (b"ORC", "an ORC file; write it as parquet"),
    (b"Obj\x01", "an Avro file; write it as parquet"),
    (b"ARROW1", "an Arrow file; write it as parquet"),
    (b"FEA1", "a Feather file; write it as parquet"),
    (b"SQLite format 3", "an SQLite database; write its table as parquet"),
    (b"\x89HDF", "an HDF5 file; write it as parquet"),
    (b"%PDF", "a PDF; the list must be parquet, csv, tsv, jsonl or txt"),
    (b"\xff\xfe", "text in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "text in UTF-16; save it as UTF-8"),
    (b"BZh", "a bzip2 file; unpack it, or pack it with gzip or zstd"),
    (b"\xfd7zXZ\0", "an xz file; unpack it, or pack it with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"\x04\x22\x4d\x18", "an lz4 file; unpack it, or pack it with gzip or zstd"),
    (b"version https://git-lfs", "a pointer of Git LFS; fetch the file itself"),
    (b"\x1f\x8b", "a gzip file; name it .csv.gz, .tsv.gz, .jsonl.gz or .txt.gz if it is a list of links"),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd file; name it .csv.zst, .tsv.zst, .jsonl.zst or .txt.zst if it is a list of links",
    ),
)
HEAD = 512
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


def recognize(head: bytes) -> str | None:
    """The kind of file that begins so, and the remedy; None for text and unknown formats."""
    return next((kind for beginning, kind in BEGINNINGS if head.startswith(beginning)), None)


def describe(file: BinaryIO) -> str:
    """The reason why a file is not read as parquet, and the remedy."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    head = file.read(HEAD)
    if size == 0:
        return "an empty file; fetch it again"
    if head.startswith(PARQUET):
        return "not a parquet file, or cut short; fetch it again"
    if found := recognize(head):
        return f"not a parquet file but {found}"
    if head.lstrip()[:1] in (b"{", b"["):
        return "not a parquet file but JSON; write one object a line and name it .jsonl"
    if head.translate(None, CONTROL) != head:
        return "not a parquet file; write the list as parquet, csv, tsv, jsonl or txt"
    return "not a parquet file but text; name it .csv, .tsv, .jsonl or .txt if it is a list of links"
