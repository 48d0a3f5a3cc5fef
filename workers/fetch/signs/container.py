"""Metadata inside images: the containers are walked, not searched.

A search would miss deflated text and values that a segment cuts, and find what a description only mentions.
JPEG (ITU-T T.81, Adobe XMP part 3, ISO 19566-5), PNG (W3C), WebP (RFC 9649), GIF (89a).
"""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

MAX_PACKET = 1 << 20
"""Bytes of one packet that are parsed."""

MAX_STEPS = 50_000
"""Segments, chunks or blocks that are walked over: more make no image, and cost seconds."""

_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED_HEAD = len(_EXTENDED_XMP) + 32 + 4 + 4
_SOS, _EOI, _APP1, _APP11 = 0xDA, 0xD9, 0xE1, 0xEB
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
"""Of a segment; fill bytes, stuffed zeros and markers without content are passed over."""

_JUMBF_HEAD = 8  # JP, the box' number, the piece's number
_KEYWORD = b"XML:com.adobe.xmp"
_PROFILE = b"Raw profile type xmp"
"""ImageMagick's own keyword: hexadecimal digits behind a name and a length."""

_PIECE = 1 << 12
_GIF_XMP = b"XMP DataXMP"


@dataclass(slots=True)
class Metadata:
    """Packets of XMP, and JUMBF boxes, as they stand in an image."""

    xmp: list[bytes] = field(default_factory=list)
    jumbf: list[bytes] = field(default_factory=list)


class _Piece(NamedTuple):
    order: int
    body: bytes


def read_metadata(body: bytes) -> Metadata:
    """The metadata of an image; none where it is of another format, or damaged before it."""
    for magic, read in _READERS.items():
        if body.startswith(magic):
            return read(body)
    return Metadata()


def _read_jpeg(body: bytes) -> Metadata:
    found = Metadata()
    extended: dict[bytes, list[_Piece]] = {}
    boxes: dict[bytes, list[_Piece]] = {}
    for marker, segment in _segments(body):
        if marker == _APP1 and segment.startswith(_XMP):
            found.xmp.append(segment[len(_XMP) :])
        elif marker == _APP1 and segment.startswith(_EXTENDED_XMP):
            guid = segment[len(_EXTENDED_XMP) : len(_EXTENDED_XMP) + 32]
            offset = segment[_EXTENDED_HEAD - 4 : _EXTENDED_HEAD]
            extended.setdefault(guid, []).append(_Piece(_number(offset), segment[_EXTENDED_HEAD:]))
        elif marker == _APP11 and segment.startswith(b"JP"):
            piece = _Piece(_number(segment[4:8]), segment[_JUMBF_HEAD:])
            boxes.setdefault(segment[2:4], []).append(piece)
    found.xmp.extend(b"".join(piece.body for piece in sorted(pieces)) for pieces in extended.values())
    found.jumbf.extend(_join_box(sorted(pieces)) for pieces in boxes.values())
    return found


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of the segments before the first scan."""
    at = 2
    for _ in range(MAX_STEPS):
        found = _MARKER.search(body, at)
        if found is None or found[1][0] in {_SOS, _EOI}:
            return
        at = found.end() + max(2, _number(body[found.end() : found.end() + 2]))
        if found[1][0] in {_APP1, _APP11}:
            yield found[1][0], body[found.end() + 2 : at]


def _join_box(pieces: list[_Piece]) -> bytes:
    """Each piece repeats the head of its box."""
    first, *rest = (piece.body for piece in pieces)
    head = 16 if _number(first[:4]) == 1 else 8
    return first + b"".join(piece[head:] for piece in rest)


def _read_png(body: bytes) -> Metadata:
    found = Metadata()
    for kind, start, end in _chunks(body, 8, "big"):
        if kind in _PNG_TEXTS and body.startswith(_KEYWORD + b"\0", start):
            found.xmp.append(_PNG_TEXTS[kind](body[start + len(_KEYWORD) + 1 : end]))
        elif kind in _PNG_TEXTS and body.startswith(_PROFILE + b"\0", start):
            found.xmp.append(_read_profile(_PNG_TEXTS[kind](body[start + len(_PROFILE) + 1 : end])))
        elif kind == b"caBX":
            found.jumbf.append(body[start:end])
    return found


def _chunks(body: bytes, at: int, order: Literal["big", "little"]) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of chunks: PNG's have length, kind and checksum, RIFF's kind and length."""
    for _ in range(MAX_STEPS):
        if at + 8 > len(body):
            return
        first, second = body[at : at + 4], body[at + 4 : at + 8]
        kind, length = (second, first) if order == "big" else (first, second)
        end = at + 8 + int.from_bytes(length, order)
        yield kind, at + 8, end
        if kind == b"IEND":
            return
        at = end + 4 if order == "big" else end + (end - at) % 2


def _read_itxt(text: bytes) -> bytes:
    is_deflated, packet = text[:1] == b"\1", text[2:].split(b"\0", 2)[-1]
    return _inflate(packet) if is_deflated else packet


def _inflate(deflated: bytes) -> bytes:
    """As much as there is, up to a byte more than is parsed."""
    stream = zlib.decompressobj()
    packet = b""
    with suppress(zlib.error):
        for start in range(0, len(deflated), _PIECE):
            packet += stream.decompress(deflated[start : start + _PIECE], MAX_PACKET + 1 - len(packet))
            if len(packet) > MAX_PACKET or stream.eof:
                break
    return packet


def _read_profile(text: bytes) -> bytes:
    digits = b"".join(text.split()[2:])
    try:
        return bytes.fromhex(digits[: 2 * MAX_PACKET].decode("ascii"))
    except ValueError:
        return b""


_PNG_TEXTS: dict[bytes, Callable[[bytes], bytes]] = {
    b"iTXt": _read_itxt,
    b"tEXt": lambda text: text,
    b"zTXt": lambda text: _inflate(text[1:]),
}


def _read_webp(body: bytes) -> Metadata:
    found = Metadata()
    if body[8:12] != b"WEBP":
        return found
    for kind, start, end in _chunks(body, 12, "little"):
        if kind in {b"XMP ", b"XMP\0"}:
            found.xmp.append(body[start:end])
        elif kind == b"C2PA":
            found.jumbf.append(body[start:end])
    return found


def _read_gif(body: bytes) -> Metadata:
    found = Metadata()
    if _GIF_XMP not in body:  # most have none, and a walk goes by pieces of 255 bytes
        return found
    for start, end in _gif_blocks(body, 13 + _table_bytes(body[10:11])):
        if body.startswith(_GIF_XMP, start + 1):
            found.xmp.append(body[start + 1 + len(_GIF_XMP) : end].rpartition(b"\1\xff\xfe")[0])
    return found


def _gif_blocks(body: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Start and end of the sub-blocks of each extension and image."""
    start = None
    for _ in range(MAX_STEPS):
        if start is not None and body[at : at + 1] > b"\0":  # within
            at += 1 + body[at]
            continue
        if start is not None:
            yield start, at
            at += 1
        kind = body[at : at + 1]
        if kind not in {b"\x21", b"\x2c"}:
            return
        start = at = at + 2 if kind == b"\x21" else at + 11 + _table_bytes(body[at + 9 : at + 10])


def _table_bytes(flags: bytes) -> int:
    """Of a colour table, as the flags before it say."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0


def _number(big_endian: bytes) -> int:
    return int.from_bytes(big_endian, "big")


_READERS: dict[bytes, Callable[[bytes], Metadata]] = {
    b"\xff\xd8": _read_jpeg,
    b"\x89PNG\r\n\x1a\n": _read_png,
    b"RIFF": _read_webp,
    b"GIF8": _read_gif,
}
