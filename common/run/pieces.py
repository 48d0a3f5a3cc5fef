"""Parquet rows in pieces: memory is bounded by the rows asked for, whatever the compression ratio."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.run.cast import is_text, text_bytes
from common.run.footer import open_file

PIECE_BYTES = 64 << 20
PIECE_ROWS = 10_000
FEWEST_ROWS = 1_000
"""Rows decoded at once for a small batch: a dictionary is unpacked anew for each piece."""

LOOSE_ROWS = 64
"""Rows decoded at once where the encoding allows no dictionary, and may repeat a long text in a few bytes."""

NO_DICTIONARY = "Not yet implemented"
"""pyarrow's words for such an encoding (DELTA_BYTE_ARRAY and its kin, parquet-format, Encodings.md)."""


def decode(
    file: BinaryIO, footer: pq.FileMetaData, groups: Sequence[int], columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of the row groups `groups`, in batches for a reader of `rows` rows."""
    plain, done = open_file(file, footer), 0
    at_once = _rows_at_once(plain, groups, columns, rows)
    try:
        for batch in open_file(file, footer, columns).iter_batches(at_once, groups, columns):
            done += batch.num_rows
            yield batch
    except (OSError, NotImplementedError) as error:
        if NO_DICTIONARY not in str(error):
            raise
        yield from _skip(plain.iter_batches(min(at_once, LOOSE_ROWS), groups, columns), done)


def cut(piece: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The same rows in slices of at most `PIECE_BYTES` of text, or of one row."""
    if (
        piece.num_rows <= 1
        or sum(pc.sum(sizes).as_py() for sizes in text_sizes(piece).values()) <= PIECE_BYTES
    ):
        yield piece
    else:
        half = piece.num_rows // 2
        yield from cut(piece.slice(0, half))
        yield from cut(piece.slice(half))


def text_sizes(piece: pa.RecordBatch) -> dict[str, pa.Array]:
    """Bytes of each value of each column of texts, by the column's name."""
    return {name: text_bytes(piece[name]) for name in piece.schema.names if is_text(piece[name].type)}


def _rows_at_once(parquet: pq.ParquetFile, groups: Sequence[int], columns: Sequence[str], rows: int) -> int:
    metadata = [parquet.metadata.row_group(group) for group in groups]
    size, count = sum(g.total_byte_size for g in metadata), sum(g.num_rows for g in metadata)
    types = [parquet.schema_arrow.field(name).type for name in columns]
    widths = [kind.byte_width for kind in types if pa.types.is_fixed_size_binary(kind)]
    widest = int(max(size // max(count, 1), *widths, 1))
    return max(1, min(PIECE_ROWS, max(rows, FEWEST_ROWS), PIECE_BYTES // widest))


def _skip(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield batch.slice(min(rows, batch.num_rows))
        rows -= min(rows, batch.num_rows)
