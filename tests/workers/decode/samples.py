"""Small sound images of every kind, made on the spot, under the name of what is special about them."""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.workers.decode.corpus import encode, png, png_chunk

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)
MODES = ("1", "L", "LA", "P", "RGB", "RGBA")


@cache
def scene() -> Image.Image:
    """64 x 48, no symmetry, smooth enough for lossy formats."""
    y, x = np.mgrid[0:48, 0:64]
    pixels = np.stack([40 + 3 * x, 30 + 4 * y, 255 - 2 * x - 2 * y], -1).clip(0, 255).astype(np.uint8)
    pixels[4:16, 6:26] = (230, 40, 30)
    return Image.fromarray(pixels)


@cache
def shaded() -> Image.Image:
    """The scene with an alpha channel of every strength."""
    alpha = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
    return Image.fromarray(np.dstack([np.asarray(scene()), alpha]))


@cache
def icc(name: str) -> bytes:
    """A profile of libvips' own: srgb, p3, cmyk."""
    image = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb")
    return bytes(image.icc_transform(name, input_profile="srgb").get("icc-profile-data"))


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def insert(jpeg: bytes, *segments: bytes) -> bytes:
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def png_rows(rows: NDArray[np.integer[Any]], depth: int) -> tuple[bytes, bytes]:
    """An IDAT chunk of [height, samples] values at `depth` bits."""
    if depth == 16:
        packed = [row.astype(">u2").tobytes() for row in rows]
    else:
        bits = [((row[:, None] >> np.arange(depth)[::-1]) & 1).astype(np.uint8) for row in rows]
        packed = [np.packbits(each.reshape(-1)).tobytes() for each in bits]
    return b"IDAT", zlib.compress(b"".join(b"\0" + row for row in packed))


def grey_key(depth: int, key: int) -> bytes:
    """A grey PNG whose every value occurs, `key` of them transparent."""
    values = np.add.outer(np.arange(8), np.arange(16)) * 37 % (1 << depth)
    values[3, 4:9] = key
    return png(16, 8, (b"tRNS", struct.pack(">H", key)), png_rows(values, depth), depth=depth)


def rgb_key(depth: int) -> bytes:
    """An RGB PNG with a transparent colour, and with others that share parts of it."""
    key = (0x1234, 0x5678, 0x9ABC) if depth == 16 else (0x12, 0x56, 0x9A)
    colours = [key, (key[0] + 1, *key[1:]), (*key[:2], key[2] ^ 1), (key[0], key[0], key[0]), (0, 0, 0)]
    values = np.array([sum(colours, ())] * 4)
    return png(5, 4, (b"tRNS", struct.pack(">3H", *key)), png_rows(values, depth), colour=2, depth=depth)


def with_chunks(body: bytes, *chunks: bytes) -> bytes:
    """A PNG with chunks behind its header."""
    return body[:33] + b"".join(chunks) + body[33:]


def gif_frame(left: int, top: int, *, screen: tuple[int, int], transparent: bool = False) -> bytes:
    """A GIF whose first frame, the scene in 64 colours, lies on a larger screen."""
    palette = scene().quantize(64)
    body = bytearray(encode(palette, "GIF", **({"transparency": 5} if transparent else {})))
    body[6:10] = struct.pack("<HH", *screen)
    at = body.index(b"\x2c\0\0\0\0\x40\0\x30\0")
    body[at + 1 : at + 5] = struct.pack("<HH", left, top)
    return bytes(body)


def vips(image: Image.Image, suffix: str, **options: Any) -> bytes:
    """Written by libvips, in ways that Pillow cannot."""
    return bytes(pyvips.Image.new_from_array(np.asarray(image)).write_to_buffer(suffix, **options))


def oriented() -> dict[str, bytes]:
    """EXIF's eight orientations in every format that has one."""
    kinds: Mapping[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0}, "PNG": {}, "WEBP": {"lossless": True},
        "TIFF": {}, "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    }  # fmt: skip
    return {
        f"{kind}, orientation {number}": encode(scene(), kind, exif=exif(number), **options)
        for kind, options in kinds.items()
        for number in range(1, 9)
    }


def jpegs() -> dict[str, bytes]:
    best = {"quality": 95, "subsampling": 0}
    plain = encode(scene(), "JPEG", **best)
    progressive = encode(scene(), "JPEG", progressive=True, **best)
    xmp = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)
    return {
        "jpeg, plain": plain,
        "jpeg, progressive": progressive,
        "jpeg, 4:2:0": encode(scene(), "JPEG", quality=90, subsampling=2),
        "jpeg, grey": encode(scene().convert("L"), "JPEG", quality=95),
        "jpeg, restarts": encode(scene(), "JPEG", restart_marker_rows=1, **best),
        "jpeg, display p3": encode(scene(), "JPEG", icc_profile=icc("p3"), **best),
        "jpeg, srgb profile": encode(scene(), "JPEG", icc_profile=icc("srgb"), **best),
        "jpeg, cmyk profile": encode(scene().convert("CMYK"), "JPEG", icc_profile=icc("cmyk"), quality=95),
        "jpeg, xmp orientation": insert(plain, xmp),
        "jpeg, exif and xmp": insert(encode(scene(), "JPEG", exif=exif(3), **best), xmp),
        "jpeg, video behind": plain + np.random.default_rng(0).bytes(1 << 20),
        "jpeg, comments": insert(plain, *[segment(0xFE, b"\xff\xda" * 9)] * 50),
        "jpeg, thumbnail": insert(plain, segment(0xE1, b"Exif\0\0" + encode(scene(), "JPEG"))),
        "jpeg, fill bytes": plain.replace(b"\xff\xdb", b"\xff" * 40 + b"\xdb", 1),
        "jpeg, no end": plain[:-2],
        "jpeg, half an end": plain[:-1],
        "jpeg, progressive, no end": progressive[:-2],
    }


def pngs() -> dict[str, bytes]:
    plain = encode(scene(), "PNG")
    modes = {f"png, {mode}": encode(shaded().convert(mode), "PNG") for mode in MODES}
    grey16 = Image.fromarray(np.asarray(scene())[..., 0].astype(np.uint16) * 257)
    palette = scene().quantize(16)
    keys = {1: 0, 2: 2, 4: 7, 8: 111, 16: 333}
    short = (b"gAMA", b"cHRM", b"pHYs", b"tRNS", b"sBIT", b"bKGD")
    return {
        **modes,
        "png, L, interlaced": vips(scene().convert("L"), ".png", interlace=True),
        "png, RGBA, interlaced": vips(shaded(), ".png", interlace=True),
        **{f"png, grey key of {depth} bits": grey_key(depth, key) for depth, key in keys.items()},
        **{f"png, rgb key of {depth} bits": rgb_key(depth) for depth in (8, 16)},
        "png, 16 bits": encode(grey16, "PNG"),
        "png, palette with an alpha": encode(palette, "PNG", transparency=bytes(range(0, 256, 16))),
        "png, palette with one hole": encode(palette, "PNG", transparency=3),
        "png, display p3": encode(scene(), "PNG", icc_profile=icc("p3")),
        "png, display p3 with alpha": encode(shaded(), "PNG", icc_profile=icc("p3")),
        "png, xmp orientation": with_chunks(plain, png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        "png, long text": with_chunks(plain, png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2 << 20)))),
        "png, broken checksum": with_chunks(plain, png_chunk(b"tEXt", b"a\0b")[:-4] + b"oops"),
        "png, short side chunks": with_chunks(plain, *[png_chunk(kind, b"a") for kind in short]),
        "png, broken profile": with_chunks(plain, png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"nonsense"))),
        "png, unknown chunk": with_chunks(plain, png_chunk(b"abCd", bytes(99))),
    }  # fmt: skip


def webps() -> dict[str, bytes]:
    frames = {"save_all": True, "append_images": [scene().rotate(180)], "lossless": True}
    return {
        "webp, lossy": encode(scene(), "WEBP", quality=90),
        "webp, alpha": encode(shaded(), "WEBP", lossless=True, exact=True),
        "webp, lossy alpha": encode(shaded(), "WEBP", quality=90),
        "webp, display p3": encode(scene(), "WEBP", lossless=True, icc_profile=icc("p3")),
        "webp, xmp orientation": encode(scene(), "WEBP", lossless=True, xmp=XMP),
        "webp, moving": encode(scene(), "WEBP", **frames),
        "webp, moving, all metadata": encode(scene(), "WEBP", exif=exif(8), icc_profile=icc("p3"), **frames),
    }


def gifs() -> dict[str, bytes]:
    return {
        "gif, plain": encode(scene(), "GIF"),
        "gif, grey": encode(scene().convert("L"), "GIF"),
        "gif, not interlaced": encode(scene(), "GIF", interlace=0),
        "gif, transparent": gif_frame(0, 0, screen=(64, 48), transparent=True),
        "gif, transparent frame at an offset": gif_frame(3, 2, screen=(80, 60), transparent=True),
        "gif, moving": encode(scene(), "GIF", save_all=True, append_images=[scene().rotate(180)]),
    }


def tiffs() -> dict[str, bytes]:
    modes = {f"tiff, {mode}": encode(shaded().convert(mode), "TIFF") for mode in MODES}
    ways = ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    second = {"save_all": True, "append_images": [scene().rotate(180)]}
    return {
        **modes,
        **{f"tiff, {way}": encode(scene(), "TIFF", compression=way) for way in ways},
        "tiff, ccitt": encode(scene().convert("1"), "TIFF", compression="tiff_ccitt"),
        "tiff, jpeg": encode(scene(), "TIFF", compression="jpeg", quality=95),
        "tiff, two pages": encode(scene(), "TIFF", **second),
        "tiff, big": encode(scene(), "TIFF", big_tiff=True),
        "tiff, tiles": vips(scene(), ".tif", tile=True, tile_width=16, tile_height=16),
        "tiff, display p3": encode(scene(), "TIFF", icc_profile=icc("p3")),
        "tiff, xmp orientation": encode(scene(), "TIFF", tiffinfo={700: XMP}),
    }  # fmt: skip


def avifs() -> dict[str, bytes]:
    best = {"quality": 95, "subsampling": "4:4:4"}
    return {
        "avif, plain": encode(scene(), "AVIF", **best),
        "avif, alpha": encode(shaded(), "AVIF", **best),
        "avif, grey": encode(scene().convert("L"), "AVIF", quality=95),
        "avif, display p3": encode(scene(), "AVIF", icc_profile=icc("p3"), **best),
    }


KINDS: tuple[Callable[[], dict[str, bytes]], ...] = (oriented, jpegs, pngs, webps, gifs, tiffs, avifs)


@cache
def samples() -> dict[str, bytes]:
    """Over a hundred; each is read by libvips too."""
    return {name: body for kind in KINDS for name, body in kind().items()}
