"""Parquet rows in pieces: memory is bounded by the rows asked for, whatever the compression ratio."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.parquet.chunk import find_chunks, find_leaves
from common.parquet.guarded_file import GuardedFile
from common.parquet.reading import Budget, Reading, UnsuitedError
from common.run.cast import is_text, text_bytes
from common.run.footer import open_file

PIECE_BYTES = 64 << 20
PIECE_ROWS = 10_000
FEWEST_ROWS = 1_000
"""Rows decoded at once for a small batch: a dictionary is unpacked anew for each piece."""


def decode(
    file: BinaryIO, footer: pq.FileMetaData, groups: Sequence[int], columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of the row groups `groups`, in batches for a reader of `rows` rows.

    Raises:
        PageError: a page would take more memory than is given to it.
    """
    decoder = _Decoder(file, footer, columns)
    for group in groups:
        yield from decoder.decode(group, rows)


class _Decoder:
    """Decodes row groups one after another, each as its pages ask for."""

    def __init__(self, file: BinaryIO, footer: pq.FileMetaData, columns: Sequence[str]) -> None:
        self._file, self._footer, self._columns = file, footer, columns
        schema = open_file(file, footer).schema_arrow
        self._types = {name: schema.field(name).type for name in columns}
        self._bound = frozenset(name for name, kind in self._types.items() if pa.types.is_dictionary(kind))
        self._once = frozenset(columns)
        self._leaves = find_leaves(footer, columns)

    def decode(self, group: int, rows: int) -> Iterator[pa.RecordBatch]:
        reading = Reading(self._rows_at_once(group, rows), self._once)
        guarded = GuardedFile(self._file, lambda: find_chunks(self._footer, group, self._leaves))
        done = 0
        while True:
            try:
                for batch in _skip(self._batches(guarded, group, reading), done):
                    yield batch
                    done += batch.num_rows
            except UnsuitedError as error:
                reading = error.better
            else:
                self._once = reading.once
                return

    def _batches(self, guarded: GuardedFile, group: int, reading: Reading) -> Iterator[pa.RecordBatch]:
        budget = Budget(reading, self._bound)
        guarded.begin(budget.see, budget.look)
        parquet = open_file(cast(BinaryIO, guarded), self._footer, reading.once)
        yield from parquet.iter_batches(reading.rows, [group], self._columns)

    def _rows_at_once(self, group: int, rows: int) -> int:
        metadata = self._footer.row_group(group)
        widths = [kind.byte_width for kind in self._types.values() if pa.types.is_fixed_size_binary(kind)]
        widest = int(max(metadata.total_byte_size // max(metadata.num_rows, 1), *widths, 1))
        return max(1, min(PIECE_ROWS, max(rows, FEWEST_ROWS), PIECE_BYTES // widest))


def cut(piece: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The same rows in slices of at most `PIECE_BYTES` of text, or of one row."""
    if piece.num_rows <= 1 or total_text(piece) <= PIECE_BYTES:
        yield piece
    else:
        half = piece.num_rows // 2
        yield from cut(piece.slice(0, half))
        yield from cut(piece.slice(half))


def total_text(piece: pa.RecordBatch) -> int:
    """Bytes of all texts, equal ones counted each time; of one row or more."""
    return sum(pc.sum(sizes).as_py() for sizes in text_sizes(piece).values())


def text_sizes(piece: pa.RecordBatch) -> dict[str, pa.Array]:
    """Bytes of each value of each column of texts, by the column's name."""
    return {name: text_bytes(piece[name]) for name in piece.schema.names if is_text(piece[name].type)}


def _skip(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows)
        rows -= min(rows, batch.num_rows)
