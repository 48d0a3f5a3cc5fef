"""WebP (RFC 9649): the chunks of the first frame."""

import struct
from collections.abc import Iterator, Sequence

from workers.decode.budget import Budget
from workers.decode.error import too_slow
from workers.decode.exif import read_orientation
from workers.decode.source import Size, Source

MAX_CHUNKS = 100_000

MAX_GROUPS = 10_000
"""Groups of code tables of which many images may decode at once: each takes 6 kB."""

_GROUP_PIXELS, _GROUP_BITS = 16, 20
"""A group serves at least so many pixels, and takes at least so many bits (RFC 9649, 3.7.2)."""

_LOSSLESS = frozenset({b"VP8L", b"ALPH", b"ANMF"})
"""Chunks that may hold code tables."""

_PIXELS = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"})
_FRAME = frozenset({b"VP8 ", b"VP8L", b"ANMF"})
_METADATA_FLAGS = 0b101100  # ICC profile, EXIF, XMP


def read_webp(body: bytes, _budget: Budget) -> Source:
    """One frame, without its metadata."""
    kept: list[tuple[bytes, bytes]] = []
    side: dict[bytes, bytes] = {}
    length = 4
    is_found = False
    for kind, start, end in _iterate(body):
        data = body[start:end]
        if kind in _PIXELS and not is_found:
            kept.append((kind, struct.pack("<4sI", kind, end - start) + _without_flags(kind, data)))
            length += 8 + end - start + (end - start) % 2
            is_found = kind in _FRAME
        elif kind in {b"EXIF", b"ICCP"}:
            side.setdefault(kind, data)
    size = _size(*kept[0]) if kept else None
    return Source(
        "WEBP",
        struct.pack("<4sI4s", b"RIFF", length, b"WEBP") + b"".join(map(_pad, kept)),
        (size[0] * size[1] if size else 0) * 25e-9 + length * 40e-9,
        size=size,
        is_greedy=_is_greedy([kind for kind, _ in kept], size, length),
        orientation=read_orientation(side.get(b"EXIF", b"")),
        profile=side.get(b"ICCP"),
    )


def _is_greedy(kinds: Sequence[bytes], size: Size | None, length: int) -> bool:
    """Whether its code tables may take more memory than its pixels: 400 MB for 300 kB of a megapixel."""
    if size is None or not _LOSSLESS.intersection(kinds):
        return False
    return min(size[0] * size[1] // _GROUP_PIXELS, 8 * length // _GROUP_BITS) > MAX_GROUPS


def _iterate(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(body):
            return
        kind, length = struct.unpack_from("<4sI", body, at)
        yield kind, at + 8, at + 8 + length
        at += 8 + length + length % 2
    raise too_slow(f"more than {MAX_CHUNKS} chunks")


def _without_flags(kind: bytes, data: bytes) -> bytes:
    if kind != b"VP8X":
        return data
    return bytes((data[0] & ~_METADATA_FLAGS,)) + data[1:] if data else data


def _pad(chunk: tuple[bytes, bytes]) -> bytes:
    return chunk[1] + b"\0" * (len(chunk[1]) % 2)


def _size(kind: bytes, chunk: bytes) -> Size | None:
    """Of the canvas, from the first chunk's header."""
    data = chunk[8:18]
    if kind == b"VP8X" and len(data) == 10:  # noqa: PLR2004 - its length
        return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:10], "little")
    if kind == b"VP8L" and data[:1] == b"\x2f":
        bits = int.from_bytes(data[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
