"""The footer of a parquet file as it lies there: the place of each column chunk of each row group."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from common.parquet.thrift import MalformedError, Struct, read_struct

MAGIC = b"PAR1"
TAIL = 8
BLOCK = 8 << 20

# Field numbers of parquet.thrift.
SCHEMA, ROWS, GROUPS, METADATA, ORDERS = 2, 3, 4, 5, 7
COLUMNS, GROUP_ROWS, GROUP_PLACE, ORDINAL = 1, 3, 5, 7
FILE_PATH, CHUNK_PLACE, CHUNK, OFFSET_INDEX, OFFSET_BYTES, COLUMN_INDEX, COLUMN_BYTES = range(1, 8)
CHUNK_BYTES, DATA_PAGE, INDEX_PAGE, DICTIONARY_PAGE, BLOOM_FILTER, BLOOM_BYTES = 7, 9, 10, 11, 14, 15
LOCATIONS, LOCATION_PLACE = 1, 1
KEY, VALUE = 1, 2


@dataclass(frozen=True)
class Footer:
    """The footer of a file."""

    fields: Struct
    place: int
    """Where it begins."""

    @property
    def groups(self) -> list[Struct]:
        found: list[Struct] = self.fields[GROUPS].content.values
        return found

    def is_laid_out_as(self, other: "Footer") -> bool:
        """Whether both files have the same columns, in every detail."""
        return all(self.fields.get(field) == other.fields.get(field) for field in (SCHEMA, ORDERS))

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """The key-value metadata."""
        pairs = self.fields[METADATA].content.values if METADATA in self.fields else []
        return {pair[KEY].content: pair[VALUE].content for pair in pairs if VALUE in pair}


@dataclass(frozen=True)
class RowGroup:
    """A row group of a file that is open."""

    file: BinaryIO
    footer: Footer
    number: int

    @property
    def fields(self) -> Struct:
        return self.footer.groups[self.number]

    @property
    def rows(self) -> int:
        count: int = self.fields[GROUP_ROWS].content
        return count

    def blocks(self, place: int, length: int) -> Iterator[bytes]:
        """Bytes of the file before its footer, a bounded number at a time.

        Raises:
            MalformedError: there are not so many.
        """
        if not (len(MAGIC) <= place and 0 <= length <= self.footer.place - place):
            raise MalformedError("a place outside the file")
        for begin in range(place, place + length, BLOCK):
            yield _read(self.file, begin, min(BLOCK, place + length - begin))


def read_footer(file: BinaryIO) -> Footer:
    """The footer of an open file.

    Raises:
        MalformedError: it has none, or one that is encrypted.
    """
    size = file.seek(0, 2)
    file.seek(max(0, size - TAIL))
    tail = file.read(TAIL)
    place = size - TAIL - int.from_bytes(tail[:4], "little")
    if tail[4:] != MAGIC or place < len(MAGIC):
        raise MalformedError("not a parquet file")
    return Footer(read_struct(_read(file, place, size - TAIL - place)), place)


def _read(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    body = file.read(length)
    if len(body) < length:
        raise MalformedError("cut short")
    return body
