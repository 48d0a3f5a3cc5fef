"""Lists with a link a line: plain text, or one JSON object."""

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

import pyarrow as pa

from common.run.columns import ColumnsError
from common.run.objects import Row, gather, to_row
from producer.lists.errors import BadLines, ListError, quote
from producer.lists.kinds import Kind
from producer.lists.lines import LONGEST_LINE, is_utf8
from producer.lists.stream import open_text, read_lines

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
    is_text = kind.layout == "text"  # a carriage return within an object is a blank
    for number, line in read_lines(open_text(file, kind), LONGEST_LINE, cr_ends=is_text):
        try:
            text = _decode(line)
            if text.strip():
                rows.append(parse(text))
                size += len(text)
        except _BadLineError as error:
            bad.add(number, str(error))
        if len(rows) >= ROWS or size >= BYTES:
            yield gather(rows)
            rows, size = [], 0
    if rows:
        yield gather(rows)


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
    try:
        return to_row(record)
    except ColumnsError as error:
        raise _BadLineError(str(error)) from error
