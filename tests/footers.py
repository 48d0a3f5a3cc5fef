"""Parquet footers written by hand (thrift's compact protocol), which claim what no writer would."""

import struct
from collections.abc import Sequence


def lying_parquet(rows: int, columns: Sequence[bytes] = (b"URL",), groups: Sequence[int] = ()) -> bytes:
    """A file of a footer alone: columns of text, `rows` rows, and empty row groups of `groups` rows."""
    elements = [_schema_root(len(columns)), *map(_text_column, columns)]
    schema = _list(elements, 12)
    row_groups = _list([_row_group(count) for count in groups], 12)
    footer = b"\x15\x02\x19" + schema + b"\x16" + _zigzag(rows) + b"\x19" + row_groups + b"\0"
    return b"PAR1" + footer + struct.pack("<I", len(footer)) + b"PAR1"


def _varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + _varint(number >> 7)


def _zigzag(number: int) -> bytes:
    return _varint(number << 1 if number >= 0 else (-number << 1) - 1)


def _list(items: Sequence[bytes], kind: int) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([0xF0 | kind]) + _varint(len(items))
    return head + b"".join(items)


def _schema_root(children: int) -> bytes:
    return b"\x48\x06schema\x15" + _zigzag(children) + b"\0"


def _text_column(name: bytes) -> bytes:
    return b"\x15\x0c\x25\x02\x18" + _varint(len(name)) + name + b"\x25\x00\0"


def _row_group(rows: int) -> bytes:
    return b"\x19\x0c\x16\0\x16" + _zigzag(rows) + b"\0"
