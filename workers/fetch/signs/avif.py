"""Metadata in AVIF: an item of XMP (ISO 14496-12, ISO 23008-12), and C2PA's box."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from workers.fetch.signs.boxes import read_boxes
from workers.fetch.signs.metadata import MAX_PACKET, MAX_PACKETS, MAX_STEPS, Metadata

_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_XMP = b"application/rdf+xml"
_HEAD = 4
"""Version and flags."""

_WIDE = 2
"""Version of `iloc` from which on items have numbers of four bytes."""


class _Reader:
    """Reads numbers one after the other; behind the end there are zeros."""

    def __init__(self, data: memoryview) -> None:
        self._data, self._at = data, 0

    def number(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._data[self._at - size : self._at], "big")

    @property
    def rest(self) -> memoryview:
        return self._data[self._at :]


class _Extent(NamedTuple):
    item: int
    is_in_box: bool
    start: int
    length: int


def read_avif(body: bytes) -> Metadata:
    """The metadata of an AVIF."""
    found = Metadata()
    for box in read_boxes(memoryview(body)):
        if box.kind == b"meta":
            found.xmp.extend(_read_items(box.body[_HEAD:], memoryview(body)))
        elif box.kind == b"uuid" and box.body[:16] == _C2PA:
            purpose, _, rest = bytes(box.body[16 + _HEAD :]).partition(b"\0")
            if purpose == b"manifest":
                found.jumbf.append(rest[8:])  # behind a place that counts for films
        if found.is_full:
            break
    return found


def _read_items(meta: memoryview, file: memoryview) -> list[bytes]:
    """The items of XMP that a box describes, each up to a byte more than is parsed."""
    boxes = {box.kind: box.body for box in read_boxes(meta)}
    none = memoryview(b"")
    numbers = islice(_find_items(boxes.get(b"iinf", none)), MAX_PACKETS)
    items = {number: bytearray() for number in numbers}
    for extent in _extents(boxes.get(b"iloc", none)) if items else ():
        item = items.get(extent.item)
        if item is not None:
            data = boxes.get(b"idat", none) if extent.is_in_box else file
            end = extent.start + extent.length if extent.length else len(data)
            item += data[extent.start : min(end, extent.start + MAX_PACKET + 1 - len(item))]
    return [bytes(item) for item in items.values()]


def _find_items(iinf: memoryview) -> Iterator[int]:
    """The numbers of items of XMP."""
    for box in read_boxes(iinf[_HEAD + (2 if bytes(iinf[:1]) == b"\0" else 4) :]):
        if box.kind != b"infe":
            continue
        version, reader = bytes(box.body[:1]), _Reader(box.body[_HEAD:])
        number = reader.number(4 if version == b"\3" else 2)
        reader.number(2)  # protection
        kind, *texts = reader.number(4).to_bytes(4, "big"), *bytes(reader.rest[:256]).split(b"\0")
        if kind == b"mime" and _XMP in texts[1:2]:
            yield number


def _extents(iloc: memoryview) -> Iterator[_Extent]:
    """Where items lie."""
    version, reader = int.from_bytes(iloc[:1], "big"), _Reader(iloc[_HEAD:])
    sizes, more = reader.number(1), reader.number(1)
    index_size = more & 15 if version else 0
    wide = 2 if version < _WIDE else 4
    steps = 0
    for _ in range(reader.number(wide)):
        item = reader.number(wide)
        method = reader.number(2) & 15 if version else 0
        reader.number(2)  # the file it lies in: this one
        base = reader.number(more >> 4)
        for _ in range(reader.number(2)):
            reader.number(index_size)
            yield _Extent(item, method == 1, base + reader.number(sizes >> 4), reader.number(sizes & 15))
            steps += 1
        steps += 1
        if steps > MAX_STEPS or not reader.rest:
            return
