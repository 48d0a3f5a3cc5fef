"""Lists in columns: csv and tsv; quotes, byte order mark and line ends are as pyarrow defines them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.csv as pc

from common.run.columns import ColumnsError, input_columns, require_columns
from common.run.objects import TEXTS, to_batch
from producer.lists.errors import BadLines, LineError, ListError, quote
from producer.lists.kinds import Kind
from producer.lists.lines import is_utf8
from producer.lists.physical import DELIMITERS, physical_line
from producer.lists.stream import Borrowed, lend_text, open_text

BLOCK = 16 << 20
"""Bytes that are parsed at once; no record may be longer."""

TOO_LONG = "straddling object"
"""pyarrow's words for a record that does not end within a block."""


def read_delimited(file: BinaryIO, kind: Kind, bad: BadLines) -> Iterator[pa.RecordBatch]:
    """The rows of a csv or tsv file; its first line names the columns.

    Raises:
        ListError: it has no usable columns, or a line cannot be read.
    """
    names = _header(file, kind)
    try:
        with lend_text(file, kind) as text:
            yield from _Records(text, kind, names, bad).batches()
    except LineError as error:
        raise LineError(physical_line(open_text(file, kind), kind, error.line), error.reason) from error


def _header(file: BinaryIO, kind: Kind) -> list[str]:
    options = _options(kind, lambda _: "skip")
    try:
        with lend_text(file, kind) as text, pc.open_csv(_to_arrow(text), *options) as reader:
            names: list[str] = reader.schema.names
    except UnicodeDecodeError as error:
        raise ListError("line 1: the name of a column is not UTF-8; rename it") from error
    except pa.ArrowInvalid as error:
        raise ListError(f"its first lines cannot be read ({error})") from error
    try:
        require_columns(_texts(names))
    except ColumnsError as error:
        raise ListError(f"{error}; the first line must name the columns") from error
    return names


class _Records:
    """One pass over the records of a file: the header is the first, blank lines are none."""

    def __init__(self, text: Borrowed, kind: Kind, names: Sequence[str], bad: BadLines) -> None:
        self._text, self._bad, self._valid = text, bad, 0
        self._skipped: list[int] = []
        """Numbers of the records left out, each less those left out before it."""
        self._columns, self._last = input_columns(_texts(names)), names[-1]
        wanted = list(dict.fromkeys([*self._columns.values(), self._last]))
        self._convert = pc.ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(wanted, pa.binary())
        )
        self._options = _options(kind, self._on_bad_record)
        self._failure: LineError | None = None

    def batches(self) -> Iterator[pa.RecordBatch]:
        last = b""
        try:
            reader = pc.open_csv(_to_arrow(self._text), *self._options, self._convert)
            for batch in reader:
                last = batch[self._last][-1].as_py() if batch.num_rows else last
                kept = self._without_bad_texts(batch)
                self._valid += batch.num_rows
                yield to_batch({name: kept[column] for name, column in self._columns.items()}, kept.num_rows)
        except pa.ArrowInvalid as error:
            raise self._failure or ListError(self._unread(error)) from error
        self._require_closed_quote(last)

    def _require_closed_quote(self, last: bytes) -> None:
        """A value of several lines is quoted, so that the file ends with a quote where that value does.

        pyarrow takes what follows a quote that is never closed for its value, to the end of the file.
        """
        record = self._number(self._valid - 1)
        is_last = record == 1 + self._valid + len(self._skipped)
        if is_last and (b"\n" in last or b"\r" in last) and self._text.last_byte != b'"':
            raise LineError(record, "a quote that is never closed")

    def _on_bad_record(self, record: Any) -> str:
        """Pyarrow's handler of a record with more or fewer values than columns."""
        reason = f"{record.actual_columns} values for {record.expected_columns} columns"
        try:
            self._bad.add(record.number, f"{reason} in {quote(record.text)}")
        except LineError as error:
            self._failure = error
            return "error"
        self._skipped.append(record.number - len(self._skipped))
        return "skip"

    def _without_bad_texts(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows whose URL and TEXT are UTF-8; the others are bad lines."""
        bad = {
            row: name
            for name in TEXTS
            if name in self._columns
            for row in _not_utf8(batch[self._columns[name]])
        }
        for row in sorted(bad):
            self._bad.add(self._number(self._valid + row), f"its {bad[row]} is not UTF-8")
        return batch.filter(pa.array([row not in bad for row in range(batch.num_rows)])) if bad else batch

    def _number(self, row: int) -> int:
        """The number of the record that is the valid row `row`, counted from 0."""
        return row + 2 + bisect_right(self._skipped, row + 2)

    def _unread(self, error: pa.ArrowInvalid) -> str:
        if TOO_LONG not in str(error):
            return str(error)
        after = self._number(self._valid - 1)
        return f"a record of over {BLOCK >> 20} MB after line {after}; is a quote there never closed?"


def _to_arrow(text: Borrowed) -> pa.NativeFile:
    return pa.PythonFile(text, mode="r")


def _options(kind: Kind, on_bad_record: Callable[[Any], str]) -> tuple[pc.ReadOptions, pc.ParseOptions]:
    parse = pc.ParseOptions(
        delimiter=DELIMITERS[kind.layout], newlines_in_values=True, invalid_row_handler=on_bad_record
    )
    return pc.ReadOptions(use_threads=False, block_size=BLOCK), parse


def _texts(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])


def _not_utf8(values: pa.Array) -> list[int]:
    try:
        values.cast(pa.string())
    except pa.ArrowInvalid:
        return [row for row, value in enumerate(values.to_pylist()) if not is_utf8(value)]
    return []
