"""The header of a page, which binds a reader: no codec gives it more bytes than the header says."""

from dataclasses import dataclass

from common.parquet.thrift import I32, STRUCT, MalformedError, Struct, measure_struct

MOST_VALUES = 1_000
"""Fields of a header and all that lies in it; the usual ones have fewer than thirty."""

# parquet.thrift: PageType, Encoding, and the numbers of fields.
DATA, INDEX, DICTIONARY, DATA_V2 = range(4)
PLAIN, PLAIN_DICTIONARY, RLE_DICTIONARY = 0, 2, 8
DELTA_LENGTH, DELTA = 6, 7
RLE = 3
_KIND, _UNCOMPRESSED, _COMPRESSED = 1, 2, 3
_DETAILS = {DATA: 5, DICTIONARY: 7, DATA_V2: 8}
_ENCODING = {DATA: 2, DICTIONARY: 2, DATA_V2: 4}
_VALUES, _DEFINITIONS, _REPETITIONS, _IS_COMPRESSED = 1, 5, 6, 7
_DEFINITION_ENCODING, _REPETITION_ENCODING = 3, 4
_TRUE = 1


@dataclass(frozen=True, slots=True)
class PageHeader:
    """A page, as its header describes it."""

    kind: int
    length: int
    """Bytes of the header itself."""
    compressed: int
    """Bytes of the page that follows."""
    uncompressed: int
    values: int
    encoding: int
    levels: int
    """Bytes of levels before the compressed values; of `DATA_V2` alone."""
    level_encodings: tuple[int, int]
    """Of repetition and definition levels; of `DATA` alone."""
    is_compressed: bool

    @property
    def is_data(self) -> bool:
        return self.kind in (DATA, DATA_V2)


def read_page_header(body: bytes | memoryview) -> PageHeader:
    """The page header at the beginning of `body` (parquet-format, parquet.thrift, PageHeader).

    Raises:
        CutShortError: its end is missing.
        MalformedError: it is none.
    """
    fields, length = measure_struct(body, MOST_VALUES)
    kind = _number(fields, _KIND)
    details = _details(fields, kind)
    return PageHeader(
        kind,
        length,
        compressed=_number(fields, _COMPRESSED),
        uncompressed=_number(fields, _UNCOMPRESSED),
        values=_number(details, _VALUES) if kind in _DETAILS else 0,
        encoding=_number(details, _ENCODING[kind]) if kind in _DETAILS else PLAIN,
        levels=_sum(details, _DEFINITIONS, _REPETITIONS) if kind == DATA_V2 else 0,
        level_encodings=_level_encodings(details) if kind == DATA else (RLE, RLE),
        is_compressed=_IS_COMPRESSED not in details or details[_IS_COMPRESSED].kind == _TRUE,
    )


def _level_encodings(details: Struct) -> tuple[int, int]:
    return _number(details, _REPETITION_ENCODING), _number(details, _DEFINITION_ENCODING)


def _sum(fields: Struct, *numbers: int) -> int:
    return sum(_number(fields, number) for number in numbers)


def _details(fields: Struct, kind: int) -> Struct:
    if kind not in _DETAILS:  # readers pass over it
        return {}
    value = fields.get(_DETAILS[kind])
    if value is None or value.kind != STRUCT:
        raise MalformedError("a page header without what belongs to its kind")
    found: Struct = value.content
    return found


def _number(fields: Struct, number: int) -> int:
    """A count: readers take it modulo 2^32, and pass over it where its type is another."""
    value = fields.get(number)
    if value is None or value.kind != I32 or not 0 <= value.content < 2**31:
        raise MalformedError("a page header with a count that is none")
    return int(value.content)
