"""Parquet files made of whole row groups of other files, byte for byte.

https://parquet.apache.org/docs/file-format/: a file is its column chunks, their indexes, and a footer with
the places of all. A chunk that moves keeps its bytes; the footer and the offset index follow.
"""

from collections.abc import Mapping
from typing import BinaryIO

from dataset.files.footer import (
    BLOOM_BYTES,
    BLOOM_FILTER,
    CHUNK,
    CHUNK_BYTES,
    CHUNK_PLACE,
    COLUMN_BYTES,
    COLUMN_INDEX,
    COLUMNS,
    DATA_PAGE,
    DICTIONARY_PAGE,
    FILE_PATH,
    GROUP_PLACE,
    GROUP_ROWS,
    GROUPS,
    INDEX_PAGE,
    KEY,
    LOCATION_PLACE,
    LOCATIONS,
    MAGIC,
    METADATA,
    OFFSET_BYTES,
    OFFSET_INDEX,
    ORDINAL,
    ROWS,
    VALUE,
    Footer,
    RowGroup,
)  # fmt: skip
from dataset.files.thrift import (
    BINARY,
    I16,
    I32,
    I64,
    STRUCT,
    Items,
    MalformedError,
    Struct,
    Value,
    read_struct,
    write_struct,
)  # fmt: skip


class RowGroupWriter:
    """Writes a file of row groups; `template` has their columns.

    Args:
        file: a new one.
        template: the footer of a file of the same layout.
    """

    def __init__(self, file: BinaryIO, template: Footer) -> None:
        self._file = file
        self._template = template
        self._groups: list[Struct] = []
        self._chunks: list[_Chunk] = []
        file.write(MAGIC)

    def add(self, group: RowGroup) -> None:
        """Append a row group.

        Raises:
            MalformedError: its file has other columns, or places outside of itself.
        """
        if not group.footer.is_laid_out_as(self._template):
            raise MalformedError("other columns")
        copied = dict(group.fields)
        begin = self._file.tell()
        chunks = [self._copy(group, column) for column in copied[COLUMNS].content.values]
        copied[COLUMNS] = Value(copied[COLUMNS].kind, Items(STRUCT, [chunk.column for chunk in chunks]))
        for field, value in ((ORDINAL, Value(I16, len(self._groups))), (GROUP_PLACE, Value(I64, begin))):
            if field in copied:
                copied[field] = value
        self._groups.append(copied)
        self._chunks += chunks

    def _copy(self, group: RowGroup, column: Struct) -> "_Chunk":
        if FILE_PATH in column or CHUNK not in column:
            raise MalformedError("a column chunk in another file")
        about = dict(column[CHUNK].content)
        place = min(about[field].content for field in (DICTIONARY_PAGE, DATA_PAGE) if field in about)
        chunk = _Chunk(group, dict(column), self._file.tell() - place)
        for block in group.blocks(place, about[CHUNK_BYTES].content):
            self._file.write(block)
        chunk.move(about)
        return chunk

    def close(self, metadata: Mapping[bytes, bytes]) -> None:
        """Write the indexes and the footer with this key-value metadata."""
        for chunk in self._chunks:
            chunk.write_column_index(self._file)
        for chunk in self._chunks:
            chunk.write_offset_index(self._file)
        footer = write_struct(self._footer(metadata))
        self._file.write(footer + len(footer).to_bytes(4, "little") + MAGIC)

    def _footer(self, metadata: Mapping[bytes, bytes]) -> Struct:
        pairs = [{KEY: Value(BINARY, key), VALUE: Value(BINARY, said)} for key, said in metadata.items()]
        return self._template.fields | {
            ROWS: Value(I64, sum(group[GROUP_ROWS].content for group in self._groups)),
            GROUPS: Value(self._template.fields[GROUPS].kind, Items(STRUCT, self._groups)),
            METADATA: Value(self._template.fields[GROUPS].kind, Items(STRUCT, pairs)),
        }


class _Chunk:
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
