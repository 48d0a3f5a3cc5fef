"""The images of a row range of a parquet file, a few at a time."""

from collections.abc import Iterator
from typing import BinaryIO

import pyarrow.parquet as pq

from common.archive.image_column import leaf_index, leaf_of, read_image
from common.run.footer import open_file

ROWS_AT_ONCE = 32
BYTES_AT_ONCE = 64 << 20
NUMBER_BYTES = 64
"""Of a row in a dictionary's pages, page headers included; no image is as small."""


def read_column(file: BinaryIO, column: str, first: int, count: int) -> Iterator[bytes | None]:
    """The bytes of `count` rows from row `first` on; None for a row without.

    Args:
        file: a parquet file whose footer is sound.
        column: that holds the images.
        first: row.
        count: of rows.
    """
    plain = open_file(file)
    leaf = leaf_of(plain.schema_arrow, column)
    once = open_file(file, plain.metadata, [leaf])
    position = 0
    for group in range(plain.metadata.num_row_groups):
        rows = plain.metadata.row_group(group).num_rows
        if position < first + count and position + rows > first:
            start, end = max(first - position, 0), min(first + count - position, rows)
            parquet = once if _is_of_numbers(plain.metadata.row_group(group), leaf) else plain
            yield from _read_group(parquet, group, leaf, start, end)
        position += rows


def _is_of_numbers(group: pq.RowGroupMetaData, leaf: str) -> bool:
    """Whether a row group holds numbers of images in a dictionary: then equal images are to be held once.

    Where only its beginning does, as pyarrow writes many distinct ones, a dictionary would hold them all.
    """
    column = group.column(leaf_index(group, leaf))
    if not column.has_dictionary_page:
        return False
    dictionary = column.data_page_offset - column.dictionary_page_offset
    return bool(column.total_compressed_size - dictionary <= NUMBER_BYTES * max(group.num_rows, 1))


def _read_group(
    parquet: pq.ParquetFile, group: int, leaf: str, start: int, end: int
) -> Iterator[bytes | None]:
    position = 0
    for batch in parquet.iter_batches(_rows_at_once(parquet, group), [group], [leaf]):
        for row in range(max(start - position, 0), min(end - position, batch.num_rows)):
            yield read_image(batch.column(0), row)
        position += batch.num_rows
        if position >= end:
            return


def _rows_at_once(parquet: pq.ParquetFile, group: int) -> int:
    """By the row group's own size, images of usual sizes 32 at a time."""
    metadata = parquet.metadata.row_group(group)
    each = metadata.total_byte_size // max(metadata.num_rows, 1)
    return int(max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(each, 1))))
