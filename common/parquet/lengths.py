"""The lengths of texts in a page: what its header leaves open (parquet-format, Encodings.md)."""

from struct import Struct

from common.parquet.page_header import DELTA
from common.parquet.thrift import MalformedError

_LENGTH = Struct("<I")
_UINT32_BYTES = 5


def longest_text(values: memoryview, count: int) -> int:
    """Bytes of the longest of `count` texts in the encoding PLAIN; no more than there are."""
    longest = place = 0
    last, read = len(values) - _LENGTH.size, _LENGTH.unpack_from
    for _ in range(count):
        if place > last:
            break
        (length,) = read(values, place)
        longest = max(longest, length)
        place += _LENGTH.size + length
    return min(longest, len(values))


def require_few_lengths(values: memoryview, count: int, encoding: int) -> None:
    """Check the lengths of a delta encoding, all of which a reader unpacks at once.

    Args:
        values: of the page.
        count: the most values that it may have.
        encoding: `DELTA_LENGTH`, or `DELTA`, which has lengths of prefixes before those of suffixes.

    Raises:
        MalformedError: there are more, or it is damaged.
    """
    place = 0
    for _ in range(2 if encoding == DELTA else 1):
        place = _skip_deltas(values, place, count)


def _skip_deltas(values: memoryview, place: int, count: int) -> int:
    """The place behind numbers in the encoding DELTA_BINARY_PACKED, of which there are at most `count`."""
    block, place = _varint(values, place)
    miniblocks, place = _varint(values, place)
    total, place = _varint(values, place)
    _, place = _varint(values, place)
    if total > count or not miniblocks or not block // miniblocks:
        raise MalformedError("a page with more lengths than values")
    each, left = block // miniblocks, total - 1
    while left > 0:
        _, place = _varint(values, place)
        widths = values[place : place + miniblocks]
        if not widths:
            raise MalformedError("a page cut short")
        place += miniblocks
        for width in widths:
            if left > 0:
                place += width * each // 8
                left -= each
    return place


def _varint(values: memoryview, place: int) -> tuple[int, int]:
    number = 0
    for index, byte in enumerate(values[place : place + _UINT32_BYTES]):
        number |= (byte & 127) << 7 * index
        if byte < 128:  # noqa: PLR2004 - the bit that says "more"
            return _require_uint32(number), place + index + 1
    raise MalformedError("a page whose lengths cannot be read")


def _require_uint32(number: int) -> int:
    if number >= 2**32:
        raise MalformedError("a page whose lengths cannot be read")
    return number
