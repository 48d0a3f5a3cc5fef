"""A column chunk of a parquet file that moves into another file, byte for byte, with its indexes."""

from typing import BinaryIO

from common.parquet.thrift import I32, I64, STRUCT, Struct, Value, read_struct, write_struct
from dataset.files.footer import (
    BLOOM_BYTES,
    BLOOM_FILTER,
    CHUNK,
    CHUNK_PLACE,
    COLUMN_BYTES,
    COLUMN_INDEX,
    DATA_PAGE,
    DICTIONARY_PAGE,
    INDEX_PAGE,
    LOCATION_PLACE,
    LOCATIONS,
    OFFSET_BYTES,
    OFFSET_INDEX,
    RowGroup,
)


class MovedChunk:
    """A column chunk in its new place.

    Args:
        group: of which it is.
        column: its entry in the footer, which follows.
        distance: in bytes, from its old place to the new one.
    """

    def __init__(self, group: RowGroup, column: Struct, distance: int) -> None:
        self.column = column
        self._distance = distance
        self._column_index = self._read(group, COLUMN_INDEX, COLUMN_BYTES)
        self._offset_index = self._read(group, OFFSET_INDEX, OFFSET_BYTES)

    def _read(self, group: RowGroup, place: int, length: int) -> bytes | None:
        if place not in self.column:
            return None
        return b"".join(group.blocks(self.column[place].content, self.column[length].content))

    def move(self, about: Struct) -> None:
        """Let the entry follow; `about` is its metadata."""
        for field in (DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE):
            if field in about:
                about[field] = Value(I64, about[field].content + self._distance)
        for field in (BLOOM_FILTER, BLOOM_BYTES):  # it stays behind
            about.pop(field, None)
        if self.column[CHUNK_PLACE].content:  # deprecated, and mostly 0
            self.column[CHUNK_PLACE] = Value(I64, self.column[CHUNK_PLACE].content + self._distance)
        self.column[CHUNK] = Value(STRUCT, about)

    def write_column_index(self, file: BinaryIO) -> None:
        """Statistics of its pages, which hold no place."""
        if self._column_index is not None:
            self.column[COLUMN_INDEX] = Value(I64, file.tell())
            file.write(self._column_index)

    def write_offset_index(self, file: BinaryIO) -> None:
        """The places of its pages."""
        if self._offset_index is None:
            return
        index = read_struct(self._offset_index)
        for location in index[LOCATIONS].content.values:
            location[LOCATION_PLACE] = Value(I64, location[LOCATION_PLACE].content + self._distance)
        written = write_struct(index)
        self.column[OFFSET_INDEX] = Value(I64, file.tell())
        self.column[OFFSET_BYTES] = Value(I32, len(written))
        file.write(written)
