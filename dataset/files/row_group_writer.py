"""Parquet files made of whole row groups of other files, byte for byte.

https://parquet.apache.org/docs/file-format/: a file is its column chunks, their indexes, and a footer with
the places of all. A chunk that moves keeps its bytes; the footer and the offset index follow.
"""

from collections.abc import Mapping
from typing import BinaryIO

from common.parquet.thrift import BINARY, I16, I64, STRUCT, Items, MalformedError, Struct, Value, write_struct
from dataset.files.footer import (
    CHUNK,
    CHUNK_BYTES,
    COLUMNS,
    DATA_PAGE,
    DICTIONARY_PAGE,
    FILE_PATH,
    GROUP_PLACE,
    GROUP_ROWS,
    GROUPS,
    KEY,
    MAGIC,
    METADATA,
    ORDINAL,
    ROWS,
    VALUE,
    Footer,
    RowGroup,
)
from dataset.files.moved_chunk import MovedChunk


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
        self._chunks: list[MovedChunk] = []
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

    def _copy(self, group: RowGroup, column: Struct) -> MovedChunk:
        if FILE_PATH in column or CHUNK not in column:
            raise MalformedError("a column chunk in another file")
        about = dict(column[CHUNK].content)
        place = min(about[field].content for field in (DICTIONARY_PAGE, DATA_PAGE) if field in about)
        chunk = MovedChunk(group, dict(column), self._file.tell() - place)
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
