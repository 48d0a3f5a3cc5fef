"""Thrift's compact protocol without a schema: a value that was read is written again byte for byte.

https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, _MAP, STRUCT = range(1, 13)
DEEPEST = 16
LAST_FIELD = 2**15 - 1
VARINT_BYTES = 10
_LONG_LIST = 15
_DOUBLE_BYTES = 8

Struct = dict[int, "Value"]
"""Fields by their numbers."""


class MalformedError(ValueError):
    """Bytes that are no struct, or one that is no footer."""


class CutShortError(MalformedError):
    """The bytes end within the struct: with more of them it may be one."""


@dataclass(slots=True)
class Value:
    """A value and its type; booleans are all type, doubles stay eight bytes."""

    kind: int
    content: Any


@dataclass(slots=True)
class Items:
    """A list: the type of its items, and they."""

    kind: int
    values: list[Any]


class _Reader:
    def __init__(self, body: bytes | memoryview, most: int | None = None) -> None:
        self._body = memoryview(body)
        self._most = most
        self.place = 0

    def struct(self, depth: int = 0) -> Struct:
        fields: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            # Readers differ in what they make of such: two of them would see two structs.
            if number in fields or not 0 < number <= LAST_FIELD:
                raise MalformedError(f"field {number} is out of range, or there twice")
            self._count(1)
            fields[number] = Value(head & 15, self._value(head & 15, depth))
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if depth > DEEPEST:
            raise MalformedError("nested too deeply")
        match kind:
            case 1 | 2:
                found: Any = None
            case 3:
                found = self._take(1)
            case 4 | 5 | 6:
                found = self._signed()
            case 7:
                found = self._take(_DOUBLE_BYTES)
            case 8:
                found = self._take(self._varint())
            case 9 | 10:
                found = self._items(depth)
            case 12:
                found = self.struct(depth + 1)
            case _:
                raise MalformedError(f"type {kind} is none of Parquet's")
        return found

    def _items(self, depth: int) -> Items:
        head = self._byte()
        count = self._varint() if head >> 4 == _LONG_LIST else head >> 4
        if count > len(self._body) - self.place:
            raise CutShortError("more items than bytes")
        self._count(count)
        kind = head & 15
        return Items(kind, [self._item(kind, depth) for _ in range(count)])

    def _item(self, kind: int, depth: int) -> Any:
        return self._take(1) if kind in (TRUE, FALSE) else self._value(kind, depth + 1)

    def _count(self, values: int) -> None:
        if self._most is not None:
            self._most -= values
            if self._most < 0:
                raise MalformedError("more values than any such struct has")

    def _signed(self) -> int:
        number = self._varint()
        return (number >> 1) ^ -(number & 1)

    def _varint(self) -> int:
        number = self._byte()
        if number < 128:  # noqa: PLR2004 - most numbers are so small
            return number
        number &= 127
        for place in range(1, VARINT_BYTES):
            byte = self._byte()
            number |= (byte & 127) << 7 * place
            if byte < 128:  # noqa: PLR2004 - the bit that says "more"
                return number
        raise MalformedError("a number of more than 64 bits")

    def _byte(self) -> int:
        try:
            byte = self._body[self.place]
        except IndexError:
            raise CutShortError("cut short") from None
        self.place += 1
        return byte

    def _take(self, length: int) -> bytes:
        taken = bytes(self._body[self.place : self.place + length])
        if len(taken) < length:
            raise CutShortError("cut short")
        self.place += length
        return taken


def read_struct(body: bytes) -> Struct:
    """The struct at the beginning of `body`.

    Raises:
        MalformedError: it is none.
    """
    return _Reader(body).struct()


def measure_struct(body: bytes | memoryview, most: int) -> tuple[Struct, int]:
    """The struct at the beginning of `body`, and how many bytes it takes.

    Args:
        body: bytes that may go on behind it.
        most: fields and items that it may have.

    Raises:
        CutShortError: its end is missing.
        MalformedError: it is none, or has more than `most` values.
    """
    reader = _Reader(body, most)
    return reader.struct(), reader.place


def write_struct(fields: Struct) -> bytes:
    """The bytes of a struct, its fields in the order of their numbers."""
    out = bytearray()
    before = 0
    for number, value in sorted(fields.items()):
        step = number - before
        short = 0 < step < 16  # noqa: PLR2004 - four bits
        out += bytes([step << 4 | value.kind]) if short else bytes([value.kind]) + _write_signed(number)
        out += _write(value.kind, value.content)
        before = number
    return bytes(out + b"\0")


def _write(kind: int, content: Any) -> bytes:
    match kind:
        case 1 | 2:
            return b""
        case 4 | 5 | 6:
            return _write_signed(content)
        case 8:
            return _write_varint(len(content)) + bytes(content)
        case 9 | 10:
            return _write_items(content)
        case 12:
            return write_struct(content)
    return bytes(content)


def _write_items(items: Items) -> bytes:
    count = len(items.values)
    short = count < _LONG_LIST
    head = bytes([count << 4 | items.kind]) if short else bytes([0xF0 | items.kind]) + _write_varint(count)
    write = (
        (lambda value: value) if items.kind in (TRUE, FALSE) else (lambda value: _write(items.kind, value))
    )
    return head + b"".join(map(write, items.values))


def _write_signed(number: int) -> bytes:
    return _write_varint(number << 1 if number >= 0 else ~(number << 1))


def _write_varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:  # noqa: PLR2004 - seven bits
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])
