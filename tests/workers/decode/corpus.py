"""Bad images, made on the spot."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def noise(side: int, seed: int = 0) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8))


def png(width: int, height: int, *chunks: tuple[bytes, bytes], colour: int = 0, depth: int = 8) -> bytes:
    """A PNG of one's own: header, the chunks, an end."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in parts)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def zeros(length: int) -> bytes:
    """`length` zeros, packed a thousand times smaller."""
    packer = zlib.compressobj(9, strategy=zlib.Z_RLE)
    pieces = [packer.compress(bytes(min(1 << 20, length - start))) for start in range(0, length, 1 << 20)]
    return b"".join(pieces) + packer.flush()


def jpeg_of_size(width: int, height: int, **options: Any) -> bytes:
    """A small JPEG whose header says otherwise."""
    body = bytearray(encode(noise(16), "JPEG", **options))
    start = next(i for i in range(len(body)) if body[i] == 0xFF and body[i + 1] in {0xC0, 0xC2})
    body[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(body)


def gif_of_size(width: int, height: int) -> bytes:
    body = bytearray(encode(Image.new("P", (8, 8)), "GIF"))
    body[6:10] = struct.pack("<HH", width, height)
    return bytes(body)


def gif_with_a_frame_outside() -> bytes:
    body = bytearray(encode(Image.new("P", (8, 8)), "GIF"))
    at = body.index(b"\x2c\0\0\0\0")
    body[at + 1 : at + 9] = struct.pack("<HHHH", 60000, 60000, 5000, 5000)
    return bytes(body)


def webp_of_size(width: int, height: int) -> bytes:
    body = bytearray(encode(noise(16), "WEBP", lossless=True))
    at = body.index(b"VP8L") + 9
    body[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(body)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png, packed": lambda: png(30_000, 30_000, (b"IDAT", zeros(100_000_000))),
    "png, header only": lambda: png(2**31 - 1, 2**31 - 1, (b"IDAT", zeros(1000))),
    "png, one row": lambda: png(2**31 - 1, 1, (b"IDAT", zeros(1000))),
    "png, 16 bits of four": lambda: png(20_000, 20_000, (b"IDAT", zeros(1000)), colour=6, depth=16),
    "jpeg": lambda: jpeg_of_size(65_500, 65_500),
    "jpeg, progressive": lambda: jpeg_of_size(65_500, 65_500, progressive=True),
    "gif": lambda: gif_of_size(65535, 65535),
    "gif, frame outside its screen": gif_with_a_frame_outside,
    "webp": lambda: encode(Image.new("RGB", (8000, 8000)), "WEBP", lossless=True, method=0, quality=0),
    "webp, still": lambda: webp_of_size(16_383, 16_383),
}
"""Few bytes that ask for much: every one is `image_too_large` at 50 million pixels."""


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A small image and these chunks before its pixels."""
    return png(8, 8, *chunks, (b"IDAT", zlib.compress(b"\0" * 9 * 8)))


def jpeg_with(*segments: bytes) -> bytes:
    """A small image and these segments of EXIF before its pixels."""
    plain = encode(noise(16), "JPEG")
    return plain[:2] + b"".join(map(_exif_segment, segments)) + plain[2:]


def _exif_segment(tiff: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(tiff) + 8) + b"Exif\0\0" + tiff


METADATA_BOMBS: dict[str, Callable[[], bytes]] = {
    "png, packed text": lambda: png_with((b"zTXt", b"a\0\0" + zeros(200_000_000))),
    "png, packed profile": lambda: png_with((b"iCCP", b"a\0\0" + zeros(200_000_000))),
    "png, many texts": lambda: png_with(*[(b"zTXt", b"a\0\0" + zeros(1_000_000))] * 500),
    "png, long text": lambda: png_with((b"tEXt", b"a\0" + b"b" * 19_000_000)),
    "png, absurd exif": lambda: png_with((b"eXIf", b"II*\0\x08\0\0\0\xff\xff" + b"\xff" * 1_000_000)),
    "jpeg, 200 exif segments": lambda: jpeg_with(*[b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 65517] * 200),
    "jpeg, exif in a circle": lambda: jpeg_with(
        b"MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\x08"
    ),
    "jpeg, orientation 99": lambda: jpeg_with(b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63\0\0\0\0\0\0"),
    "jpeg, orientation text": lambda: jpeg_with(b"MM\0*\0\0\0\x08\0\1\1\x12\0\2\0\0\0\4abc\0\0\0\0\0"),
}
"""A small image with a huge or absurd appendix."""

SCRIPT = b"<script>alert(1)</script>"
ARCHIVE = b"PK\x05\x06" + bytes(18)
POLYGLOTS: dict[str, Callable[[], bytes]] = {
    "html first": lambda: b"<html>" + encode(noise(16), "JPEG"),
    "gif as script": lambda: b"GIF89a/*" + SCRIPT + b"*/=1;",
    "jpeg then zip": lambda: encode(noise(16), "JPEG") + ARCHIVE,
    "png then html": lambda: encode(noise(16), "PNG") + SCRIPT,
    "gif then zip": lambda: encode(noise(16), "GIF") + ARCHIVE,
    "webp then zip": lambda: encode(noise(16), "WEBP") + ARCHIVE,
    "jpeg in png": lambda: b"\x89PNG\r\n\x1a\n" + encode(noise(16), "JPEG"),
    "png in jpeg": lambda: b"\xff\xd8\xff" + encode(noise(16), "PNG"),
    "pdf then jpeg": lambda: b"%PDF-1.4\n" + encode(noise(16), "JPEG"),
    "svg": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(ls) system\n",
    "mvg": lambda: b"push graphic-context\nviewbox 0 0 9 9\nfill 'url(https://example.com/|ls)'\n",
}
"""Two things in one."""
