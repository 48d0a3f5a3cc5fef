"""Metadata in JPEG: ITU-T T.81, Adobe XMP part 3, ISO 19566-5."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from workers.fetch.signs.metadata import MAX_PACKETS, MAX_STEPS, Metadata

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = len(_EXTENDED_XMP) + 32 + 4 + 4
_FILL, _SOS, _EOI, _APP1, _APP11 = 0xFF, 0xDA, 0xD9, 0xE1, 0xEB
_ENDS = frozenset({_SOS, _EOI})
_WANTED = frozenset({_APP1, _APP11})
_USUAL = frozenset({*range(0xC0, 0xD0), *range(0xD9, 0xFF)})
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
"""Of a segment; fill bytes, stuffed zeros and markers without content are passed over."""

_JUMBF_HEAD = 8  # JP, the box' number, the piece's number


class _Piece(NamedTuple):
    order: int
    body: bytes


def read_jpeg(body: bytes) -> Metadata:
    found = Metadata()
    extended: dict[bytes, list[_Piece]] = {}
    boxes: dict[bytes, list[_Piece]] = {}
    for marker, segment in _segments(body):
        if marker == _APP1 and segment.startswith(_XMP):
            found.xmp.append(segment[len(_XMP) :])
            if found.is_full:
                break
        elif marker == _APP1 and segment.startswith(_EXTENDED_XMP):
            guid = segment[len(_EXTENDED_XMP) : len(_EXTENDED_XMP) + 32]
            offset = segment[_EXTENDED_HEAD - 4 : _EXTENDED_HEAD]
            extended.setdefault(guid, []).append(_Piece(_number(offset), segment[_EXTENDED_HEAD:]))
        elif marker == _APP11 and segment.startswith(b"JP"):
            piece = _Piece(_number(segment[4:8]), segment[_JUMBF_HEAD:])
            boxes.setdefault(segment[2:4], []).append(piece)
    packets = (b"".join(piece.body for piece in sorted(pieces)) for pieces in extended.values())
    found.xmp.extend(islice(packets, MAX_PACKETS))
    found.jumbf.extend(islice((_join_box(sorted(pieces)) for pieces in boxes.values()), MAX_PACKETS))
    return found


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of the segments before the first scan."""
    at, last = 2, len(body) - 4
    for _ in range(MAX_STEPS):
        if at <= last and body[at] == _FILL and body[at + 1] in _USUAL:  # a search costs as much as all else
            marker = body[at + 1]
        else:
            found = _MARKER.search(body, at)
            if found is None:
                return
            at, marker = found.start(), found[1][0]
        if marker in _ENDS:
            return
        start = at + 4
        at += 2 + max(2, _number(body[at + 2 : start]))
        if marker in _WANTED:
            yield marker, body[start:at]


def _join_box(pieces: list[_Piece]) -> bytes:
    """Each piece repeats the head of its box."""
    first, *rest = (piece.body for piece in pieces)
    head = 16 if _number(first[:4]) == 1 else 8
    return first + b"".join(piece[head:] for piece in rest)


def _number(big_endian: bytes) -> int:
    return int.from_bytes(big_endian, "big")
