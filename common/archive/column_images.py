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


class ImageColumn:
    """The column of images of an open parquet file, whose footer is read once.

    Args:
        file: whose footer is sound.
        column: that holds the images.
    """

    def __init__(self, file: BinaryIO, column: str) -> None:
        self._plain = open_file(file)
        self._leaf = leaf_of(self._plain.schema_arrow, column)
        self._once = open_file(file, self._plain.metadata, [self._leaf])

    def read(self, rows: range) -> Iterator[bytes | None]:
        """The bytes of each row of a range; None for a row without."""
        position = 0
        for number in range(self._plain.metadata.num_row_groups):
            group = self._plain.metadata.row_group(number)
            start, end = max(rows.start - position, 0), min(rows.stop - position, group.num_rows)
            if start < end:
                parquet = self._once if _is_of_numbers(group, self._leaf) else self._plain
                yield from _read_group(parquet, number, self._leaf, start, end)
            position += group.num_rows


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
