"""BMP and ICO, which libvips does not read, and the names of what is not read."""

import gzip
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.workers.decode.corpus import encode
from tests.workers.decode.samples import scene, shaded
from workers.decode.decoder import decode
from workers.decode.error import DecodeError

PIXELS = 1_000_000
SCENE = np.asarray(scene())


def bitmap(
    bits: int, rows: bytes, palette: bytes = b"", *, size: tuple[int, int], compression: int = 0
) -> bytes:
    header = struct.pack("<IiiHHIIiiII", 40, *size, 1, bits, compression, 0, 0, 0, len(palette) // 4, 0)
    start = 14 + 40 + len(palette)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header + palette + rows


def icon(*images: bytes, side: int = 16, bits: int = 32) -> bytes:
    start = 6 + 16 * len(images)
    directory = b""
    for image in images:
        directory += struct.pack("<4B2H2I", side, side, 0, 0, 1, bits, len(image), start)
        start += len(image)
    return struct.pack("<3H", 0, 1, len(images)) + directory + b"".join(images)


def dib(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mask: bytes) -> bytes:
    """A 32-bit image of an icon: [side, side, 4] RGBA, bottom up, then its mask."""
    side = len(pixels)
    header = struct.pack("<IiiHHIIiiII", 40, side, 2 * side, 1, 32, 0, 0, 0, 0, 0, 0)
    return header + pixels[::-1, :, [2, 1, 0, 3]].tobytes() + mask


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_of_every_mode(mode: str) -> None:
    image = scene().convert(mode)
    found = decode(encode(image, "BMP"), max_pixels=PIXELS)
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("height", [2, -2])
def test_rows_of_a_bmp_run_upwards_or_downwards(height: int) -> None:
    rows = bytes([0, 0, 255] * 4) + bytes([255, 0, 0] * 4)
    found = decode(bitmap(24, rows, size=(4, height)), max_pixels=PIXELS)
    first, second = ([255, 0, 0], [0, 0, 255]) if height < 0 else ([0, 0, 255], [255, 0, 0])
    assert found.tolist() == [[first] * 4, [second] * 4]


def test_bmp_of_16_and_32_bits() -> None:
    assert decode(bitmap(16, struct.pack("<2H", 31 << 10, 31), size=(2, 1)), max_pixels=9).tolist() == [
        [[255, 0, 0], [0, 0, 255]]
    ]
    assert decode(bitmap(32, bytes([1, 2, 3, 0, 4, 5, 6, 0]), size=(2, 1)), max_pixels=9).tolist() == [
        [[3, 2, 1], [6, 5, 4]]
    ]


MASKS = {
    "565": (16, (0xF800, 0x07E0, 0x001F, 0)),
    "bgr 565": (16, (0x001F, 0x07E0, 0xF800, 0)),
    "1555": (16, (0x7C00, 0x03E0, 0x001F, 0x8000)),
    "4444": (16, (0x0F00, 0x00F0, 0x000F, 0xF000)),
    "8888": (32, (0xFF0000, 0xFF00, 0xFF, 0xFF000000)),
    "abgr": (32, (0xFF, 0xFF00, 0xFF0000, 0xFF000000)),
    "xbgr": (32, (0xFF00, 0xFF0000, 0xFF000000, 0)),
    "10 bits": (32, (0x3FF00000, 0xFFC00, 0x3FF, 0xC0000000)),
}


def put(samples: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], mask: int) -> np.ndarray[Any, Any]:
    """8-bit samples in the bits of a mask, the lowest ones left out or empty."""
    width, low = mask.bit_count(), (mask & -mask).bit_length() - 1
    values = samples.astype(np.uint32) << 8 >> (16 - width) if width else samples.astype(np.uint32) * 0
    return values << low if width else values


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("length", [40, 56, 124])
def test_bmp_of_any_masks(name: str, length: int) -> None:
    bits, masks = MASKS[name]
    image = np.asarray(shaded().convert("RGBA")).copy()
    image[..., 3] = np.where(image[..., 3] > 127, 255, 0)
    words = np.sum([put(image[::-1, :, band], mask) for band, mask in enumerate(masks)], axis=0)
    compression = 6 if length == 40 and masks[3] else 3
    header = struct.pack("<IiiHHI20x", length, 64, 48, 1, bits, compression)
    header += struct.pack("<4I", *masks) + bytes(max(0, length - 56))
    start = 14 + len(header)
    body = struct.pack("<2sI4xI", b"BM", 0, start) + header + words.astype(f"<u{bits // 8}").tobytes()
    expected = image[..., :3].copy()
    if masks[3]:
        expected[image[..., 3] == 0] = 255
    coarsest = 255 // ((1 << min(mask.bit_count() for mask in masks[:3])) - 1)
    assert np.abs(decode(body, max_pixels=PIXELS).astype(int) - expected).max() <= coarsest
    with pytest.raises(DecodeError):
        decode(body[:-1], max_pixels=PIXELS)


def test_an_empty_alpha_of_a_bmp_is_none() -> None:
    masks = struct.pack("<4I", 0xFF00, 0xFF0000, 0xFF000000, 0xFF)
    header = struct.pack("<IiiHHI20x", 56, 1, 1, 1, 32, 3) + masks
    body = struct.pack("<2sI4xI", b"BM", 0, 70) + header + bytes([0, 7, 8, 9])
    assert decode(body, max_pixels=PIXELS).tolist() == [[[7, 8, 9]]]


def test_a_bmp_may_count_more_colours_than_it_has_indices() -> None:
    palette = bytes([0, 0, 255, 0, 0, 255, 0, 0]) + bytes(4 * 254)
    found = decode(bitmap(1, b"\x50\0\0\0", palette, size=(4, 1)), max_pixels=PIXELS)
    assert found.tolist() == [[[255, 0, 0], [0, 255, 0]] * 2]


def test_bmp_of_run_lengths() -> None:
    palette = bytes([0, 0, 255, 0, 0, 255, 0, 0]) + bytes(4 * 254)
    rows = b"\4\1\0\0" + b"\2\0\2\1\0\1"
    found = decode(bitmap(8, rows, palette, size=(4, 2), compression=1), max_pixels=PIXELS)
    assert found[..., :2].tolist() == [[[255, 0]] * 2 + [[0, 255]] * 2, [[0, 255]] * 4]


def test_too_many_pixels_of_a_bmp_or_an_icon_are_refused_by_the_header() -> None:
    huge = dib(np.zeros((2, 2, 4), np.uint8), bytes(8))
    huge = huge[:4] + struct.pack("<ii", 100_000, 200_000) + huge[12:]
    for body in (bitmap(24, b"", size=(100_000, 100_000)), icon(huge)):
        with pytest.raises(DecodeError) as caught:
            decode(body, max_pixels=PIXELS)
        assert caught.value.args == ("image_too_large", "100000 x 100000")


def test_the_largest_image_of_an_icon_is_taken() -> None:
    small, large = (encode(shaded().resize((side, side)), "PNG") for side in (16, 40))
    expected = decode(large, max_pixels=PIXELS)
    for images in ((small, large), (large, small), (b"broken" * 9, large, small)):
        np.testing.assert_array_equal(decode(icon(*images), max_pixels=PIXELS), expected)


def test_transparency_of_an_icon() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[..., 0], pixels[:4, :, 3] = 200, 255
    expected = np.full((8, 8, 3), 255)
    expected[:4] = (200, 0, 0)
    mask = bytes(32)
    np.testing.assert_array_equal(decode(icon(dib(pixels, mask), side=8), max_pixels=99), expected)
    pixels[..., 3] = 0  # all is left to the mask: a bit a pixel, rows of 32 bits, bottom up
    mask = b"\xff\0\0\0" * 4 + bytes(16)
    for bits in (32, 0):
        found = decode(icon(dib(pixels, mask), side=8, bits=bits), max_pixels=99)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("side", [16, 48, 256])
def test_icons_of_pillow(side: int) -> None:
    image = shaded().resize((side, side))
    for kind in ("png", "bmp"):
        body = encode(image, "ICO", sizes=[(side, side)], bitmap_format=kind)
        wanted = decode(encode(image, "PNG"), max_pixels=PIXELS)
        assert np.abs(decode(body, max_pixels=PIXELS).astype(int) - wanted).max() <= 1


def shallow(bits: int, mask: bytes) -> tuple[bytes, np.ndarray[Any, Any]]:
    """An image of an icon, 8 x 8, of `bits` a pixel, and its colours."""
    header = struct.pack("<IiiHHIIiiII", 40, 8, 16, 1, bits, 0, 0, 0, 0, 0, 0)
    indices = np.arange(64).reshape(8, 8) % (1 << min(bits, 6))
    if bits == 24:
        colours = np.stack([indices, indices * 2, indices * 3], -1).astype(np.uint8)
        return header + colours[::-1, :, ::-1].tobytes() + mask, colours
    palette = np.random.default_rng(bits).integers(0, 255, (1 << bits, 4)).astype(np.uint8)
    packed = np.packbits(indices[::-1, :, None].astype(np.uint8) >> np.arange(bits)[::-1] & 1, axis=None)
    rows = b"".join(row.tobytes().ljust(-(-bits // 4) * 4, b"\0") for row in packed.reshape(8, -1))
    return header + palette.tobytes() + rows + mask, palette[indices][..., 2::-1]


@pytest.mark.parametrize("bits", [1, 4, 8, 24])
@pytest.mark.parametrize("kind", [b"\0\0\1\0", b"\0\0\2\0"])
def test_icons_and_cursors_of_every_depth(bits: int, kind: bytes) -> None:
    masks = {b"": slice(0), bytes(32): slice(0), bytes(28) + b"\xff\0\0\0" + b"behind it": slice(1)}
    for mask, hidden in masks.items():
        image, colours = shallow(bits, mask)
        expected = colours.copy()
        expected[hidden] = 255
        found = decode(kind + icon(image, side=8, bits=bits)[4:], max_pixels=99)
        np.testing.assert_array_equal(found, expected)


def test_an_icon_holds_a_png_with_all_its_rules() -> None:
    body = icon(encode(shaded(), "PNG")[:-12])
    np.testing.assert_array_equal(
        decode(body, max_pixels=PIXELS), decode(encode(shaded(), "PNG"), max_pixels=PIXELS)
    )


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


UNREAD = {
    "HEIC": [box(b"ftyp", b"heic\0\0\0\0mif1heic"), box(b"ftyp", b"mif1\0\0\0\0heix")],
    "JPEG XL": [b"\xff\x0a" + bytes(20), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(20)],
    "JPEG 2000": [encode(scene(), "JPEG2000"), encode(scene(), "JPEG2000", no_jp2=True)],
    "PSD": [b"8BPS\0\1" + bytes(40)],
    "PostScript": [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6" + bytes(30)],
    "WMF": [b"\xd7\xcd\xc6\x9a" + bytes(20)],
    "DDS": [b"DDS |" + bytes(20)],
    "MP4 video": [box(b"ftyp", b"isom\0\0\0\0mp42"), box(b"ftyp", b"qt  \0\0\0\0")],
    "Matroska video": [b"\x1aE\xdf\xa3" + bytes(20)],
    "SVG": [
        b"<svg/>",
        b'<svg xmlns="http://www.w3.org/2000/svg">',
        b"\xef\xbb\xbf \n<?xml version='1.0'?>\n<svg >",
        b"<?xml?><!-- a <b> --><!-- c --><!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'a.dtd'>\n<svg\n>",
        b"<!DOCTYPE svg [ <!ENTITY a 'b'> ]><svg:svg xmlns:svg='http://www.w3.org/2000/svg'>",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", UNREAD)
def test_formats_that_are_not_read_are_named(name: str) -> None:
    for body in UNREAD[name]:
        with pytest.raises(DecodeError) as caught:
            decode(body, max_pixels=PIXELS)
        assert caught.value.args == ("not_an_image", f"{name} is not read")


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body><svg></svg>", b"<!DOCTYPE html><svg>", b"<svgish>", b"text <svg>",
        gzip.compress(b"<svg/>", mtime=0),
        b"<!--" * 1000, b"<?" * 2000, b" " * 5000 + b"<svg>", box(b"ftyp", b"oops\0\0\0\0what"), b"\0\0\1\0",
        b"BM" + bytes(60), b"BMW is a car maker" * 9, b"\0\0\1\0\0\0" + bytes(50), b"II*", b"RIFF....WAVE",
    ],
)  # fmt: skip
def test_other_bytes_have_no_name(body: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(body, max_pixels=PIXELS)
    assert caught.value.status == "not_an_image"
    assert caught.value.detail.startswith("starts with ")


def test_avif_turns_by_its_own_properties_alone() -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    plain, body = encode(scene(), "AVIF"), encode(scene(), "AVIF", exif=turned.tobytes())
    assert decode(plain, max_pixels=PIXELS).shape == (48, 64, 3)
    assert decode(body, max_pixels=PIXELS).shape == (64, 48, 3)
    without = bytearray(body)
    without[body.index(b"irot") + 4] = 0  # quarter turns
    assert decode(bytes(without), max_pixels=PIXELS).shape == (48, 64, 3)


def test_the_first_image_of_a_moving_avif() -> None:
    best = {"quality": 95, "subsampling": "4:4:4"}
    body = encode(scene(), "AVIF", save_all=True, append_images=[scene().rotate(180)], **best)
    assert np.abs(decode(body, max_pixels=PIXELS).astype(int) - SCENE).mean() < 2


def page(data: bytes, bits: int, *, photometric: int = 1, bands: int = 1) -> bytes:
    """A TIFF of one strip, the size of the scene; several bands lie in planes."""
    fields = {
        256: 64,
        257: 48,
        258: bits,
        259: 1,
        262: photometric,
        273: 8,
        277: bands,
        278: 48,
        279: len(data),
        284: 2 if bands > 1 else 1,
    }
    if bands > 1:  # bits and strips of each band, behind the directory
        start, plane = 8 + len(data) + 2 + 12 * len(fields) + 4, len(data) // bands
        fields |= {258: start, 273: start + 2 * bands, 279: start + 6 * bands}
        behind = struct.pack(f"<{bands}H", *[bits] * bands)
        behind += struct.pack(f"<{2 * bands}I", *range(8, 8 + len(data), plane), *[plane] * bands)
    kinds = {tag: (3 if tag == 258 else 4, bands if tag in {258, 273, 279} else 1) for tag in fields}
    entries = b"".join(struct.pack("<HHII", tag, *kinds[tag], fields[tag]) for tag in sorted(fields))
    directory = struct.pack("<H", len(fields)) + entries + bytes(4)
    return struct.pack("<2sHI", b"II", 42, 8 + len(data)) + data + directory + (behind if bands > 1 else b"")


def test_grey_of_16_bits_in_a_tiff() -> None:
    grey = SCENE[..., 0].astype(np.uint16) * 257
    for body in (page(grey.tobytes(), 16), page((0xFFFF - grey).tobytes(), 16, photometric=0)):
        np.testing.assert_array_equal(decode(body, max_pixels=PIXELS), np.repeat(SCENE[..., :1], 3, 2))


def test_planes_of_a_tiff() -> None:
    planes = SCENE.transpose(2, 0, 1)
    small = page(planes.tobytes(), 8, photometric=2, bands=3)
    np.testing.assert_array_equal(decode(small, max_pixels=PIXELS), SCENE)
    deep = page((planes.astype(np.uint16) * 257).tobytes(), 16, photometric=2, bands=3)
    with pytest.raises(DecodeError) as caught:
        decode(deep, max_pixels=PIXELS)
    assert caught.value.args == ("decode_error", "TIFF with samples of 16 bits in planes is not read")
