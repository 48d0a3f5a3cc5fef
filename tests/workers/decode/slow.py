"""Images that cost more than they seem to."""

import struct
import zlib
from functools import cache

from PIL import Image

from tests.workers.decode.corpus import encode, jpeg_of_size, noise, png, png_chunk
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


@cache
def counted() -> dict[str, bytes]:
    """Structure without end; readers stop counting, or skip it at once."""
    jpeg, gif, webp = (encode(noise(16), kind) for kind in ("JPEG", "GIF", "WEBP"))
    image = gif.index(b"\x2c\0\0\0\0")
    rows = (b"IDAT", zlib.compress(bytes(9 * 8)))
    head, tail = png(8, 8)[:33], png_chunk(*rows) + png_chunk(b"IEND", b"")
    entry = struct.pack("<4B2H2I", 16, 16, 0, 0, 1, 32, BYTES, 6)
    avif = encode(noise(16), "AVIF")
    return {
        "jpeg, exif blocks": jpeg[:2] + fill(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0")) + jpeg[2:],
        "jpeg, empty segments": jpeg[:2] + fill(segment(0xFE, b"")) + jpeg[2:],
        "jpeg, quantisation tables": jpeg[:2] + fill(segment(0xDB, b"")) + jpeg[2:],
        "jpeg, fill bytes": jpeg[:2] + fill(b"\xff") + jpeg[2:],
        "jpeg, junk": jpeg[:2] + fill(b"\xff\0") + jpeg[2:],
        "jpeg, restarts": jpeg[:-2] + fill(b"\xff\xd0") + jpeg[-2:],
        "jpeg, starts": jpeg[:2] + fill(b"\xff\xd8") + jpeg[2:],
        "png, empty chunks of data": head + fill(png_chunk(b"IDAT", b"")) + tail,
        "png, texts": head + fill(png_chunk(b"tEXt", b"a\0b")) + tail,
        "png, code tables in a profile": head + png_chunk(b"iCCP", b"a\0\0\x78\x9c" + fill(tables())) + tail,
        "png, small code tables in a profile": head
        + png_chunk(b"iCCP", b"a\0\0\x78\x9c" + fill(tables(), 1_000_000)) + tail,
        "gif, comments": gif[:image] + b"!\xfe" + fill(b"\xff" + b"a" * 255) + b"\0" + gif[image:],
        "gif, short comments": gif[:image] + b"!\xfe" + fill(b"\x01a") + b"\0" + gif[image:],
        "gif, empty extensions": gif[:image] + fill(b"!\xfe\0") + gif[image:],
        "gif, junk": gif[:image] + fill(b"\0") + gif[image:],
        "webp, empty chunks": webp[:12] + fill(b"ABCD\0\0\0\0") + webp[12:],
        "ico, one image a thousand times": struct.pack("<3H", 0, 1, 1000) + entry * 1000 + bytes(BYTES // 2),
        "ico, entries": struct.pack("<3H", 0, 1, 65535) + entry * 65535 + bytes(BYTES // 2),
        "avif, boxes": avif[:32] + fill(struct.pack(">I4s", 8, b"free")) + avif[32:],
        "svg, comments": fill(b"<!---->"),
    }  # fmt: skip


@cache
def laborious() -> dict[str, bytes]:
    """Work for a process that can be ended."""
    return {
        "jpeg, many scans": many_scans(),
        "png, code tables": png(4000, 4000, (b"IDAT", b"\x78\x9c" + fill(tables(), 20_000_000))),
        "png, 50 megapixels of 16 bits": encode_rgb16(),
        "bmp, run lengths": run_lengths(),
        "webp, 49 megapixels": encode(
            Image.new("RGB", (7000, 7000)), "WEBP", lossless=True, method=0, quality=0
        ),
    }


def encode_rgb16() -> bytes:
    packer = zlib.compressobj(1)
    row = b"\0" + bytes(7000 * 6)
    data = b"".join(packer.compress(row) for _ in range(7000)) + packer.flush()
    return png(7000, 7000, (b"IDAT", data), colour=2, depth=16)
