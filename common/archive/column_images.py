"""The images of a row range of a parquet file, a few at a time."""

from collections.abc import Iterator
from typing import BinaryIO

from common.archive.image_column import leaf_index, leaf_of, read_image
from common.parquet.reading import Reading
from common.run.chunk_metadata import require_sound_chunks
from common.run.decoder import Decoder
from common.run.footer import open_file

MEMORY = 2 << 30
"""Bytes for pages and images: a row group of a hundred photographs may lie in one dictionary."""

ROWS_AT_ONCE = 32
BYTES_AT_ONCE = 64 << 20
NUMBER_BYTES = 64
"""Of a row in a dictionary's pages, page headers included; no image is as small."""


class ImageColumn:
    """The column of images of an open parquet file, whose footer is read once.

    Args:
        file: whose footer is sound.
        column: that holds the images.

    Raises:
        FooterError: the name of a column is not UTF-8.
    """

    def __init__(self, file: BinaryIO, column: str) -> None:
        parquet = open_file(file)
        self._file, self._metadata = file, parquet.metadata
        self._leaf = leaf_of(parquet.schema_arrow, column)
        self._index = leaf_index(self._metadata, self._leaf)
        self._decoder = Decoder(file, self._metadata, [self._leaf], MEMORY)

    def read(self, rows: range) -> Iterator[bytes | None]:
        """The bytes of each row of a range; None for a row without.

        Raises:
            OSError: they are damaged.
            LargePageError: a page would take more than `MEMORY`.
        """
        position = 0
        for group in range(self._metadata.num_row_groups):
            count = self._metadata.row_group(group).num_rows
            start, end = max(rows.start - position, 0), min(rows.stop - position, count)
            if start < end:
                yield from self._read_group(group, start, end)
            position += count

    def _read_group(self, group: int, start: int, end: int) -> Iterator[bytes | None]:
        require_sound_chunks(self._file, self._metadata, [group], [self._leaf])
        position = 0
        once = frozenset([self._leaf]) if self._is_of_numbers(group) else frozenset()
        for batch in self._decoder.decode(group, Reading(self._rows_at_once(group), once)):
            for row in range(max(start - position, 0), min(end - position, batch.num_rows)):
                yield read_image(batch.column(0), row)
            position += batch.num_rows
            if position >= end:
                return

    def _is_of_numbers(self, group: int) -> bool:
        """Whether a row group holds numbers of images in a dictionary: then equal images are to be held once.

        Where only its beginning does, as pyarrow writes many distinct ones, a dictionary would hold them all.
        """
        row_group = self._metadata.row_group(group)
        column = row_group.column(self._index)
        if not column.has_dictionary_page:
            return False
        dictionary = column.data_page_offset - column.dictionary_page_offset
        return bool(column.total_compressed_size - dictionary <= NUMBER_BYTES * max(row_group.num_rows, 1))

    def _rows_at_once(self, group: int) -> int:
        """By the row group's own size, images of usual sizes 32 at a time."""
        metadata = self._metadata.row_group(group)
        each = metadata.total_byte_size // max(metadata.num_rows, 1)
        return int(max(1, min(ROWS_AT_ONCE, BYTES_AT_ONCE // max(each, 1))))
