"""What a few kilobytes unpack to is known before it is unpacked, and by whatever lies in them."""

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from common.parquet import reading
from common.parquet.thrift import I32, Struct, Value, write_struct
from common.run import decoder
from common.run.batch import Batch
from common.run.part import PartError
from common.run.planned_part import Part
from common.settings import S3Settings
from tests.common.parquet.bombs import (
    CODECS,
    MB,
    ONE_DICTIONARY,
    lie,
    long_texts,
    many_lengths,
    texts,
    with_first_page,
    write,
)
from workers.batch.rows import read_rows

NO_S3 = S3Settings()
MEMORY = 12
"""MB in these tests in place of 768, so that bombs are small too."""

READ = """
import sys
from pathlib import Path
from common.errors import FleetError
from common.run import decoder, pieces
from common.run.batch import Batch
from common.run.planned_part import Part
from common.settings import S3Settings
from tests.peak import peak_bytes
from workers.batch.rows import read_rows

folder, memory = Path(sys.argv[1]), int(sys.argv[2]) << 20
decoder.MEMORY, pieces.PIECE_BYTES = memory, memory // 6
for path in sorted(folder.iterdir()):
    rows, name = path.name.split("-", 1)
    part = Part(id="p", address=str(path), rows=int(rows), size=path.stat().st_size)
    before = peak_bytes()
    try:
        said = str(read_rows(part, Batch("p", part.rows - 1, 1), S3Settings()).num_rows)
    except FleetError as error:
        said = str(error).partition(": ")[2]
    print(peak_bytes() - before >> 20, name, said, flush=True)
"""


def read_apart(folder: Path, memory: int = MEMORY) -> dict[str, tuple[int, str]]:
    """For each file the megabytes that a process takes for its last row, and what it says of it."""
    place(folder, "!", write(texts(1)))  # comes first: libraries take memory once
    words = [sys.executable, "-c", READ, str(folder), str(memory)]
    said = subprocess.run(words, capture_output=True, text=True, check=True, timeout=120).stdout
    found = {}
    for line in said.splitlines():
        megabytes, name, words_ = line.split(" ", 2)
        found[name] = int(megabytes), words_
    del found["!"]
    return found


def place(folder: Path, name: str, body: bytes) -> None:
    rows = pq.read_metadata(io.BytesIO(body)).num_rows
    (folder / f"{rows}-{name}").write_bytes(body)


LARGE = 8


def both_ways(codec: str) -> bytes:
    """Two sizes in one header, of which a reader takes the one of its own type."""

    def change(header: Struct, page: bytes) -> bytes:
        head = write_struct(header | {2: Value(I32, LARGE * MB + 8)})
        return head[:-1] + b"\x06\x04\xd0\x0f\0" + page  # field 2 again, as a 64-bit number: 1,000

    return with_first_page(write(texts(LARGE), compression=codec), change)


def test_a_page_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    for name, body in long_texts(LARGE):
        assert len(body) < MB
        place(tmp_path, name, body)
        place(tmp_path, f"{name}-lies", lie(body))
    place(tmp_path, "zstd-twice", both_ways("zstd"))
    found = read_apart(tmp_path, 6)
    assert len(found) == 4 * 2 * len(CODECS) + 1
    for name, (megabytes, said) in found.items():
        told = "write it again with smaller pages"
        assert ("damaged" if "lies" in name or "twice" in name else told) in said, (name, said)
        assert megabytes < 8, name


def test_texts_that_unpack_in_decoding_are_decoded_in_few_rows_or_refused(tmp_path: Path) -> None:
    prefixes = {"column_encoding": {"URL": "DELTA_BYTE_ARRAY"}}
    lengths = {"column_encoding": {"URL": "DELTA_LENGTH_BYTE_ARRAY"}}
    once = pa.DictionaryArray.from_arrays(
        pa.array([0, 1] * 250, pa.int32()), ["a" * (MB // 2), "b" * (MB // 2)]
    )
    alike = pa.table({"URL": once})
    place(tmp_path, "prefixes", write(texts(60, 60), **prefixes))
    place(
        tmp_path,
        "lengths",
        write(pa.table({"URL": ["a" * MB] * 60}), data_page_size=1, write_batch_size=1, **lengths),
    )
    place(tmp_path, "rows", write(texts(30, 60), data_page_size=1, write_batch_size=1))
    place(tmp_path, "dictionary", write(alike, **ONE_DICTIONARY))
    few = {"use_dictionary": True, "dictionary_pagesize_limit": 1, "write_batch_size": 100}
    mixed = pa.table({"URL": [*("a" * MB, "b" * MB) * 25, *map(str, range(10_000))]})
    place(tmp_path, "mixed", write(mixed, **few))
    distinct = pc.utf8_lpad(pa.array(range(50_000)).cast(pa.string()), 64, "0")
    asked = pa.table({"URL": pa.DictionaryArray.from_arrays(pa.array(range(50_000), pa.int32()), distinct)})
    place(tmp_path, "schema", write(asked, store_schema=True, data_page_size=MB))
    for encoding in ("DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"):
        place(tmp_path, f"count-{encoding}", many_lengths(encoding, 20_000_000))
    found = read_apart(tmp_path)
    refused = {"count": "more lengths than values", "schema": "write it again with smaller pages"}
    for name, (megabytes, said) in found.items():
        assert refused.get(name.partition("-")[0], "1") in said, (name, said)
        assert megabytes < 2 * MEMORY, (name, megabytes)


def part_of(path: Path, table: pa.Table, **options: Any) -> Part:
    path.write_bytes(write(table, **options))
    return Part(id="p", address=str(path), rows=table.num_rows, size=path.stat().st_size)


def test_a_sound_page_of_a_hundred_megabytes_is_read(tmp_path: Path) -> None:
    """fastparquet writes one page a column chunk, as far as 500 MB."""
    links = pc.utf8_lpad(pa.array(range(1_010_000)).cast(pa.string()), 100, "/")
    part = part_of(tmp_path / "part.parquet", pa.table({"URL": links}), compression="snappy")
    found = read_rows(part, Batch("p", 1_009_990, 10), NO_S3)["URL"].to_pylist()
    assert found == links[1_009_990:].to_pylist()


def test_a_large_page_is_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGE", 1 << 10)
    monkeypatch.setattr(decoder, "MEMORY", 96 << 10)
    links = [f"http://h/{row:060d}" if row % 3 else None for row in range(1_000)]
    for version in ("1.0", "2.0"):
        part = part_of(tmp_path / f"{version}.parquet", pa.table({"URL": links}), data_page_version=version)
        assert read_rows(part, Batch("p", 0, 1_000), NO_S3)["URL"].to_pylist() == links
    monkeypatch.setattr(decoder, "MEMORY", 32 << 10)
    with pytest.raises(PartError, match=r"column URL: its pages take \d+ MB of memory.*smaller pages"):
        read_rows(part, Batch("p", 0, 1_000), NO_S3)
