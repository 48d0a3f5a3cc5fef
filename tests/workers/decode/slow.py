"""Images that cost more than they seem to."""

import struct
from collections.abc import Callable

from PIL import Image

from tests.workers.decode.corpus import encode, jpeg_of_size, noise, png, png_chunk, zeros
from tests.workers.decode.samples import segment

BYTES = 6_000_000


def fill(unit: bytes, length: int = BYTES) -> bytes:
    return unit * (length // len(unit))


def tables() -> bytes:
    """Deflate blocks that hold two code tables and no data, eight of them in 101 bytes (RFC 1951, 3.2.7)."""
    order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    lengths = {18: 1, 1: 2, 0: 2}
    fields = [(0, 1), (2, 2), (29, 5), (29, 5), (15, 4), *((lengths.get(code, 0), 3) for code in order)]
    fields += [
        (0, 1),
        (127, 7),
        (0, 1),
        (107, 7),
        (3, 2),
        (0, 1),
        (48, 7),
        (0, 1),
    ]  # zeros, the end's code, zeros; end
    block = size = 0
    for value, bits in fields:
        block |= value << size
        size += bits
    return sum(block << size * n for n in range(8)).to_bytes(size, "little")


def many_scans() -> bytes:
    """50 megapixels, each pass over them cheap in bytes."""
    body = jpeg_of_size(7000, 7000, progressive=True)
    scan = body[body.rindex(b"\xff\xda") : -2]
    return body[:-2] + scan * 85 + b"\xff\xd9"


def run_lengths() -> bytes:
    """A BMP that Pillow decodes in Python, pixel by pixel."""
    header = struct.pack("<IiiHHIIiiII", 40, 7000, 7000, 1, 8, 1, 0, 0, 0, 256, 0)
    rows = fill(b"\x01\x05", 12_000_000)
    return struct.pack("<2sIHHI", b"BM", 0, 0, 0, 1078) + header + bytes(n % 251 for n in range(1024)) + rows


def behind_start(kind: str, insert: bytes) -> bytes:
    """An image with bytes behind its first: SOI of a JPEG, the headers of the others."""
    body = encode(noise(16), kind)
    at = {"JPEG": 2, "PNG": 33, "WEBP": 12, "GIF": body.find(b"\x2c\0\0\0\0"), "AVIF": 32}[kind]
    return body[:at] + insert + body[at:]


def code_tables(length: int) -> bytes:
    """An iCCP chunk."""
    return png_chunk(b"iCCP", b"a\0\0\x78\x9c" + fill(tables(), length))


def icon(count: int) -> bytes:
    """One image in many entries."""
    entry = struct.pack("<4B2H2I", 16, 16, 0, 0, 1, 32, BYTES, 6)
    return struct.pack("<3H", 0, 1, count) + entry * count + bytes(BYTES // 2)


def rgb16() -> bytes:
    return png(7000, 7000, (b"IDAT", zeros(7000 * (1 + 7000 * 6))), colour=2, depth=16)


def restarts() -> bytes:
    body = encode(noise(16), "JPEG")
    return body[:-2] + fill(b"\xff\xd0") + body[-2:]


COUNTED: dict[str, Callable[[], bytes]] = {
    "jpeg, exif blocks": lambda: behind_start("JPEG", fill(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0"))),
    "jpeg, empty segments": lambda: behind_start("JPEG", fill(segment(0xFE, b""))),
    "jpeg, quantisation tables": lambda: behind_start("JPEG", fill(segment(0xDB, b""))),
    "jpeg, fill bytes": lambda: behind_start("JPEG", fill(b"\xff")),
    "jpeg, junk": lambda: behind_start("JPEG", fill(b"\xff\0")),
    "jpeg, restarts": restarts,
    "jpeg, starts": lambda: behind_start("JPEG", fill(b"\xff\xd8")),
    "png, empty chunks of data": lambda: behind_start("PNG", fill(png_chunk(b"IDAT", b""))),
    "png, texts": lambda: behind_start("PNG", fill(png_chunk(b"tEXt", b"a\0b"))),
    "png, code tables in a profile": lambda: behind_start("PNG", code_tables(BYTES)),
    "png, fewer code tables in a profile": lambda: behind_start("PNG", code_tables(1_000_000)),
    "gif, comments": lambda: behind_start("GIF", b"!\xfe" + fill(b"\xff" + b"a" * 255) + b"\0"),
    "gif, short comments": lambda: behind_start("GIF", b"!\xfe" + fill(b"\x01a") + b"\0"),
    "gif, empty extensions": lambda: behind_start("GIF", fill(b"!\xfe\0")),
    "gif, junk": lambda: behind_start("GIF", fill(b"\0")),
    "webp, empty chunks": lambda: behind_start("WEBP", fill(b"ABCD\0\0\0\0")),
    "ico, an image a thousand times": lambda: icon(1000),
    "ico, entries": lambda: icon(65535),
    "avif, boxes": lambda: behind_start("AVIF", fill(struct.pack(">I4s", 8, b"free"))),
    "svg, comments": lambda: fill(b"<!---->"),
}
"""Structure without end: readers stop counting, or skip it at once."""

LABORIOUS: dict[str, Callable[[], bytes]] = {
    "jpeg, many scans": many_scans,
    "png, code tables": lambda: png(4000, 4000, (b"IDAT", b"\x78\x9c" + fill(tables(), 20_000_000))),
    "png, 49 megapixels of 16 bits": rgb16,
    "bmp, run lengths": run_lengths,
    "webp, 49 megapixels": lambda: encode(
        Image.new("RGB", (7000, 7000)), "WEBP", lossless=True, method=0, quality=0
    ),
}
"""Work for a process that can be ended."""
