"""What `metadata.jsonl`, `.csv` or `.parquet` and text files say of the images beside them.

The layout is that of `imagefolder` (huggingface.co/docs/datasets/image_dataset): `file_name` names an image
relative to the metadata file, other columns are the image's.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa

from common.run.objects import to_row
from common.run.parquet import PartReader
from common.run.part import PartError, open_part
from common.run.whole_part import read_whole_part
from common.settings import S3Settings
from producer.images.siblings import Siblings
from producer.lists.kinds import Kind
from producer.lists.lines import LONGEST_LINE
from producer.lists.stream import open_text, read_lines
from producer.selection import text_names

JSONL, CSV, PARQUET = "metadata.jsonl", "metadata.csv", "metadata.parquet"
FILE_NAME = "file_name"
TEXT_BYTES = 1 << 20

Row = dict[str, str | None]


def read_metadata(folder: str, siblings: Siblings, s3: S3Settings) -> dict[str, Row]:
    """The rows of the metadata file in a folder, by the address of the image; none where there is none.

    Raises:
        PartError: a line cannot be read, names no file, or names one twice.
        StoreError: the place where it lies cannot be reached.
    """
    for name, read in ((JSONL, _read_jsonl), (CSV, _read_csv), (PARQUET, _read_parquet)):
        address = f"{folder}/{name}"
        if siblings.has(address):
            with open_part(address, s3) as (file, _):
                return _by_image(folder, address, read(file))
    return {}


def read_text(image: str, siblings: Siblings, s3: S3Settings) -> str | None:
    """The caption in a text file beside an image; None where there is none.

    Raises:
        PartError: it is no UTF-8, or over 1 MB.
        StoreError: the place where it lies cannot be reached.
    """
    address = next(filter(siblings.has, text_names(image)), None)
    if address is None:
        return None
    _, body = read_whole_part(address, s3, TEXT_BYTES)
    with _line_errors(address):
        if body is None:
            raise ValueError("a caption of over 1 MB")
        return body.decode("utf-8-sig").strip() or None


def _by_image(folder: str, address: str, records: Iterator[Mapping[str, Any]]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    with _line_errors(address):
        for number, record in enumerate(records, 1):
            name = record.get(FILE_NAME)
            if not isinstance(name, str) or not name:
                raise ValueError(f"row {number} has no {FILE_NAME}")
            name = name.removeprefix("./")
            if {"", ".", ".."} & set(name.split("/")):
                raise ValueError(f"row {number} names {name[:60]!r}, which does not lie below it")
            if f"{folder}/{name}" in rows:
                raise ValueError(f"row {number} names {name[:60]!r} a second time")
            rows[f"{folder}/{name}"] = to_row(record)
    return rows


def _read_jsonl(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    for number, line in read_lines(open_text(file, Kind("jsonl", None)), LONGEST_LINE):
        if line is None or not line.strip():
            continue
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004 - the file's fault
        yield record


def _read_csv(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    csv.field_size_limit(LONGEST_LINE)
    yield from csv.DictReader(io.TextIOWrapper(file, "utf-8-sig", newline=""), strict=True)


def _read_parquet(file: BinaryIO) -> Iterator[Mapping[str, Any]]:
    reader = PartReader(file, PARQUET)
    names = [name for name in (FILE_NAME, *reader.columns.values()) if name in reader.schema.names]
    for piece in reader.pieces(0, reader.rows, names):
        yield from piece.to_pylist()


@contextmanager
def _line_errors(address: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, RecursionError, csv.Error, pa.ArrowException, PartError) as error:
        raise PartError(f"{address}: {error}; mend it, or take it away") from error
