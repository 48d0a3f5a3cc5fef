"""Parquet rows in pieces: memory is bounded by the rows asked for, whatever the compression ratio."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.parquet.reading import Reading
from common.run.cast import is_text, text_bytes
from common.run.decoder import Decoder

PIECE_BYTES = 64 << 20
PIECE_ROWS = 10_000
FEWEST_ROWS = 1_000
"""Rows decoded at once for a small batch: a dictionary is unpacked anew for each piece."""


def decode(
    file: BinaryIO, footer: pq.FileMetaData, groups: Sequence[int], columns: Sequence[str], rows: int
) -> Iterator[pa.RecordBatch]:
    """The rows of the row groups `groups`, in batches for a reader of `rows` rows.

    Raises:
        LargePageError: a page would take more memory than is given to it.
    """
    decoder, once = Decoder(file, footer, columns), frozenset(columns)
    types = [decoder.schema.field(name).type for name in columns]
    for group in groups:
        reading = Reading(_rows_at_once(footer, group, types, rows), once)
        yield from decoder.decode(group, reading)
        once = decoder.once


def _rows_at_once(footer: pq.FileMetaData, group: int, types: Sequence[pa.DataType], rows: int) -> int:
    metadata = footer.row_group(group)
    widths = [kind.byte_width for kind in types if pa.types.is_fixed_size_binary(kind)]
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
