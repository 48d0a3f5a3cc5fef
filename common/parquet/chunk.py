"""A column chunk: where its pages lie, and how they are packed."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from common.parquet.page_header import DATA, DATA_V2, RLE, PageHeader
from common.parquet.thrift import MalformedError

CODECS = {"LZ4": "lz4_raw"}
LENGTH = 4


@dataclass(frozen=True)
class Chunk:
    """A column chunk, by what its footer says; `start` and `end` are positions in the file."""

    column: str
    """Its path in the schema."""
    is_text: bool
    start: int
    end: int
    values: int
    codec: str
    has_levels: tuple[bool, bool]
    """Whether levels of repetition and of definition lie before the values of a page."""

    def unpack(self, header: PageHeader, page: memoryview) -> memoryview:
        """The values of a page, without its levels.

        Raises:
            MalformedError: it is damaged, or of a codec that is not known here.
        """
        if header.kind == DATA_V2:
            values, size = page[header.levels :], header.uncompressed - header.levels
            return self._decompress(values, size) if header.is_compressed else values
        values = self._decompress(page, header.uncompressed)
        return self._skip_levels(header, values) if header.kind == DATA else values

    def _skip_levels(self, header: PageHeader, values: memoryview) -> memoryview:
        for is_there, encoding in zip(self.has_levels, header.level_encodings, strict=True):
            if is_there and encoding != RLE:
                raise MalformedError("levels in an encoding that was given up")
            if is_there:
                values = values[LENGTH + int.from_bytes(values[:LENGTH], "little") :]
        return values

    def _decompress(self, packed: memoryview, size: int) -> memoryview:
        if self.codec == "UNCOMPRESSED":
            return packed
        try:
            codec = pa.Codec(CODECS.get(self.codec, self.codec.lower()))
            return memoryview(codec.decompress(packed, max(size, 0))).cast("B")
        except (pa.ArrowException, OSError, ValueError) as error:
            raise MalformedError("a page that cannot be decompressed") from error


def find_leaves(metadata: pq.FileMetaData, columns: Sequence[str]) -> list[int]:
    """The positions of columns, and of the fields within them, among the columns of a row group."""
    paths = [metadata.schema.column(leaf).path for leaf in range(metadata.num_columns)]
    within = tuple(f"{name}." for name in columns)
    return [leaf for leaf, path in enumerate(paths) if path in columns or path.startswith(within)]


def find_chunks(metadata: pq.FileMetaData, group: int, leaves: Sequence[int]) -> list[Chunk]:
    """The column chunks of a row group; to be asked for once a reader has taken its metadata for sound."""
    row_group = metadata.row_group(group)
    return [_find_chunk(row_group.column(leaf), metadata.schema.column(leaf)) for leaf in leaves]


def _find_chunk(column: pq.ColumnChunkMetaData, schema: pq.ColumnSchema) -> Chunk:
    start = column.data_page_offset
    if column.has_dictionary_page and 0 < column.dictionary_page_offset < start:
        start = column.dictionary_page_offset
    return Chunk(
        schema.path,
        schema.physical_type == "BYTE_ARRAY",
        start,
        start + column.total_compressed_size,
        column.num_values,
        column.compression,
        (schema.max_repetition_level > 0, schema.max_definition_level > 0),
    )
