"""Metadata in the first directory of a TIFF (TIFF 6.0, BigTIFF; Adobe XMP part 3, C2PA)."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from workers.fetch.signs.metadata import Metadata

_XMP, _C2PA = 700, 52545
_ORDERS = {b"II": "<", b"MM": ">"}
_BYTES = frozenset({1, 7})
"""Types of values of one byte each."""


class _Layout(NamedTuple):
    """Of a file: where the first directory's place stands, and how counts and entries are written."""

    start: int
    place: str
    number: str
    entry: str
    inline: int


_LAYOUTS = {42: _Layout(4, "I", "H", "HHII", 4), 43: _Layout(8, "Q", "Q", "HHQQ", 8)}


def read_tiff(body: bytes) -> Metadata:
    """The metadata of a TIFF."""
    found = Metadata()
    try:
        for tag, value in _values(body):
            if tag == _XMP:
                found.xmp.append(value)
            elif tag == _C2PA:
                found.jumbf.append(value)
            if found.is_full:
                break
    except (struct.error, KeyError):
        pass
    return found


def _values(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and bytes of the entries of ours.

    Raises:
        struct.error: the file ends before.
        KeyError: it is no TIFF.
    """
    order = _ORDERS[body[:2]]
    layout = _LAYOUTS[struct.unpack_from(order + "H", body, 2)[0]]
    [at] = struct.unpack_from(order + layout.place, body, layout.start)
    [count] = struct.unpack_from(order + layout.number, body, at)
    entry = struct.Struct(order + layout.entry)
    entries = body[at + struct.calcsize(layout.number) :][: min(count, 1 << 16) * entry.size]
    whole = entries[: len(entries) - len(entries) % entry.size]
    for tag, kind, length, place in entry.iter_unpack(whole):
        if tag in {_XMP, _C2PA} and kind in _BYTES and length > layout.inline:
            yield tag, body[place : place + length]
