"""PNG (W3C, third edition): the chunks that decide the pixels of the first frame."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from workers.decode.budget import Budget
from workers.decode.colour.chromaticity import build_profile
from workers.decode.colour.code_points import UnknownCodeError, find_profile
from workers.decode.error import too_slow
from workers.decode.exif import read_orientation
from workers.decode.source import Key, Source

MAX_CHUNKS = 100_000
MAX_PROFILE = 4 << 20
"""Bytes of an inflated profile."""

_MAGIC = b"\x89PNG\r\n\x1a\n"
_SIDE = frozenset({b"IHDR", b"PLTE", b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"acTL", b"eXIf"})
_ANYWHERE = frozenset({b"eXIf"})
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by colour type."""

_GREY, _RGB, _PALETTE = 0, 2, 3
_PIECE = 1 << 16
_ICC_SIGNATURE = b"acsp"


@dataclass(slots=True)
class _Chunks:
    """The chunks that the decoder needs; of side chunks the first valid one."""

    side: dict[bytes, bytes] = field(default_factory=dict)
    image: list[bytes] = field(default_factory=list)  # IDAT
    control: bytes = b""  # the first fcTL behind the image
    frame: list[bytes] = field(default_factory=list)  # fdAT of that frame
    is_hidden: bool = True  # no fcTL before the image: it is no frame of the animation


def read_png(body: bytes, budget: Budget) -> Source:
    """The first frame; a broken chunk that holds no pixels is ignored."""
    chunks = _collect(body)
    header = chunks.side.get(b"IHDR", b"")
    if len(header) != 13:  # noqa: PLR2004 - its length
        raise ValueError("no valid header")
    width, height, depth, colour, _, _, interlace = struct.unpack(">IIBBBBB", header)
    size, offset, data = (width, height), (0, 0), chunks.image
    frame = _animation_frame(chunks, size)
    if frame is not None:
        header, offset = frame[0] + header[8:], frame[1]
        data = chunks.frame
    key = _key(chunks.side, colour, depth)
    inflated = width * height * SAMPLES.get(colour, 4) * depth // 8
    return Source(
        "PNG",
        _write(header, _palette(chunks.side) if colour == _PALETTE else {}, data),
        inflated * 8e-9 * (1 + interlace) * (2 if key and depth == 16 else 1),  # noqa: PLR2004 - bits
        size=size,
        offset=offset,
        orientation=read_orientation(chunks.side.get(b"eXIf", b"")),
        profile=_profile(chunks.side, budget),
        key=key,
    )


def iterate_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of each chunk's data; the last may be cut short."""
    at = len(_MAGIC)
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(body):
            return
        length, kind = struct.unpack_from(">I4s", body, at)
        yield kind, at + 8, at + 8 + length
        at += length + 12
    raise too_slow(f"more than {MAX_CHUNKS} chunks")


def _collect(body: bytes) -> _Chunks:
    chunks = _Chunks()
    is_run = True  # only chunks of one run belong to the image
    for kind, start, end in iterate_chunks(body):
        if kind == b"IDAT":
            if is_run:
                chunks.image.append(body[start:end])
            continue
        is_run = is_run and not chunks.image
        if kind == b"IEND":
            break
        if kind in _SIDE and kind not in chunks.side and (not chunks.image or kind in _ANYWHERE):
            _take_side(chunks, kind, body[start:end], body[end : end + 4])
        elif kind == b"fcTL":
            if not _take_control(chunks, body[start:end]):
                break
        elif kind == b"fdAT" and chunks.control:
            chunks.frame.append(body[start + 4 : end])
    return chunks


def _take_side(chunks: _Chunks, kind: bytes, data: bytes, checksum: bytes) -> None:
    if zlib.crc32(data, zlib.crc32(kind)) == int.from_bytes(checksum):
        chunks.side[kind] = data


def _take_control(chunks: _Chunks, data: bytes) -> bool:
    """Whether the first frame goes on."""
    if not chunks.image:
        chunks.is_hidden = False
    elif chunks.control:
        return False
    else:
        chunks.control = data
    return True


def _animation_frame(chunks: _Chunks, size: tuple[int, int]) -> tuple[bytes, tuple[int, int]] | None:
    """Packed size and offset of the animation's first frame, where the default image is none of it."""
    if not (chunks.is_hidden and b"acTL" in chunks.side and chunks.frame and len(chunks.control) >= 20):  # noqa: PLR2004
        return None
    width, height, left, top = struct.unpack_from(">4I", chunks.control, 4)
    if not (width and height and left + width <= size[0] and top + height <= size[1]):
        return None
    return chunks.control[4:12], (left, top)


def _key(side: dict[bytes, bytes], colour: int, depth: int) -> Key | None:
    count = {_GREY: 1, _RGB: 3}.get(colour)
    data = side.get(b"tRNS", b"")
    if count is None or len(data) < 2 * count:
        return None
    mask = (1 << depth) - 1
    return Key(tuple(sample & mask for sample in struct.unpack_from(f">{count}H", data)), depth)


def _palette(side: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """The colours, and their alphas where these stand behind them: elsewhere they are left out (5.6)."""
    kinds = [kind for kind in side if kind in {b"PLTE", b"tRNS"}]
    if b"PLTE" not in kinds:
        raise ValueError("no valid palette")
    return {kind: side[kind] for kind in kinds[kinds.index(b"PLTE") :]}


def _write(header: bytes, palette: dict[bytes, bytes], data: list[bytes]) -> bytes:
    pieces = [_MAGIC, _chunk(b"IHDR", header)]
    pieces += [_chunk(kind, colours) for kind, colours in palette.items()]
    length = sum(map(len, data))
    pieces += [struct.pack(">I4s", length, b"IDAT"), *data, bytes(4)]  # no decoder reads that checksum
    return b"".join([*pieces, _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _profile(side: dict[bytes, bytes], budget: Budget) -> bytes | None:
    """By precedence: cICP, iCCP, sRGB, gAMA with cHRM (section 4.3)."""
    with suppress(UnknownCodeError):
        return _profile_of_points(side.get(b"cICP", b""))
    profile = _inflate(side.get(b"iCCP", b""), budget)
    if profile is not None or b"sRGB" in side or len(side.get(b"gAMA", b"")) != 4:  # noqa: PLR2004 - its length
        return profile
    gamma = int.from_bytes(side[b"gAMA"]) / 1e5
    chromaticity = side.get(b"cHRM", b"")
    points = struct.unpack(">8I", chromaticity) if len(chromaticity) == 32 else None  # noqa: PLR2004 - its length
    return build_profile(gamma, points and tuple(point / 1e5 for point in points))


def _profile_of_points(code: bytes) -> bytes | None:
    """By a cICP chunk: primaries, transfer, the matrix of RGB, full range (section 11.3.2.6)."""
    if len(code) != 4 or code[2:] != b"\0\1":  # noqa: PLR2004 - its length
        raise UnknownCodeError
    return find_profile(code[0], code[1])


def _inflate(data: bytes, budget: Budget) -> bytes | None:
    """The profile of an iCCP chunk: name, zero, method, deflated bytes. None if broken or too long."""
    _, _, packed = data.partition(b"\0")
    if len(packed) > MAX_PROFILE:
        return None
    inflater, profile = zlib.decompressobj(), b""
    try:
        for start in range(1, len(packed), _PIECE):  # small pieces: hostile streams take 3 s a megabyte
            budget.check()
            profile += inflater.decompress(packed[start : start + _PIECE], MAX_PROFILE + 1 - len(profile))
            if len(profile) > MAX_PROFILE:
                return None
    except zlib.error:
        return None
    return profile if inflater.eof and profile[36:40] == _ICC_SIGNATURE else None
