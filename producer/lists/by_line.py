"""Lists with a link a line: plain text, or one JSON object."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, BinaryIO

import pyarrow as pa

from common.run.columns import ColumnsError, input_columns, require_usable
from producer.lists.errors import BadLines, ListError, quote
from producer.lists.kinds import Kind
from producer.lists.rows import LONGEST_LINE, is_utf8, to_batch
from producer.lists.stream import open_text, read_lines

Row = dict[str, str | None]
ROWS = 10_000
BYTES = 16 << 20
"""Rows and bytes of text that are gathered before they are passed on."""


class _BadLineError(ValueError):
    """The fault of a line."""


def read_text(file: BinaryIO, kind: Kind, bad: BadLines) -> Iterator[pa.RecordBatch]:
    """A row for each line that is not blank: its URL, byte for byte."""
    return _read(file, kind, bad, lambda line: {"URL": line})


def read_jsonl(file: BinaryIO, kind: Kind, bad: BadLines) -> Iterator[pa.RecordBatch]:
    """A row for each line that is not blank: an object whose keys are the columns.

    Raises:
        ListError: a line is no such object, or no line names a URL.
    """
    has_url = False
    for batch in _read(file, kind, bad, _parse_object):
        has_url = has_url or batch["URL"].null_count < batch.num_rows
        yield batch
    if not has_url:
        raise ListError("no line has a URL; name it URL or url")


def _read(file: BinaryIO, kind: Kind, bad: BadLines, parse: Callable[[str], Row]) -> Iterator[pa.RecordBatch]:
    rows: list[Row] = []
    size = 0
    for number, line in read_lines(open_text(file, kind), LONGEST_LINE):
        try:
            text = _decode(line)
            if text.strip():
                rows.append(parse(text))
                size += len(text)
        except _BadLineError as error:
            bad.add(number, str(error))
        if len(rows) >= ROWS or size >= BYTES:
            yield _gather(rows)
            rows, size = [], 0
    if rows:
        yield _gather(rows)


def _decode(line: bytes | None) -> str:
    if line is None:
        raise _BadLineError(f"over {LONGEST_LINE >> 20} MB")
    if not is_utf8(line):
        raise _BadLineError("not UTF-8")
    return line.decode()


def _parse_object(line: str) -> Row:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadLineError(f"not JSON in {quote(line)}") from error
    if not isinstance(record, dict):
        raise _BadLineError(f"no JSON object but {quote(line)}")
    shape = tuple((key, isinstance(value, (list, dict))) for key, value in record.items())
    return {name: _as_text(record[key]) for name, key in _columns(shape).items()}


@lru_cache(maxsize=1024)
def _columns(shape: tuple[tuple[str, bool], ...]) -> dict[str, str]:
    """Our name of each key that is used, chosen as among the columns of a parquet file."""
    schema = pa.schema([(key, pa.list_(pa.string()) if nested else pa.string()) for key, nested in shape])
    try:
        require_usable(schema)
    except ColumnsError as error:
        raise _BadLineError(str(error)) from error
    return input_columns(schema)


def _as_text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else json.dumps(value)
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:
        raise _BadLineError("half a surrogate pair, which UTF-8 cannot hold") from error
    return text


def _gather(rows: list[Row]) -> pa.RecordBatch:
    names = {name for row in rows for name in row}
    columns = {name: pa.array([row.get(name) for row in rows], pa.large_string()) for name in names}
    return to_batch(columns, len(rows))
