"""Colours are those that viewers show: profiles are applied, near copies of sRGB and nonsense are not."""

import struct
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from common.settings import DecodeSettings
from tests.workers.decode.corpus import encode, png_chunk
from tests.workers.decode.samples import exif, icc, scene, shaded, with_chunks
from workers.decode.colour import profile
from workers.decode.decoder import Decoder, decode

PIXELS = 1_000_000
SCENE = np.asarray(scene())
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB_POINTS = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)


def tag_at(data: bytes, tag: bytes) -> int:
    at = data.index(tag, 132)
    return int.from_bytes(data[at + 4 : at + 8])


def exchanged() -> bytes:
    """sRGB with its red and blue exchanged."""
    red, blue = tag_at(SRGB, b"rXYZ"), tag_at(SRGB, b"bXYZ")
    data = bytearray(SRGB)
    data[red : red + 20], data[blue : blue + 20] = SRGB[blue : blue + 20], SRGB[red : red + 20]
    return bytes(data)


def grey_profile(gamma: float) -> bytes:
    """A grey profile of one curve (ICC.1:2022, 8.3)."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    start = 128 + 4 + 24
    table = struct.pack(">I4sII4sII", 2, b"kTRC", start, 16, b"wtpt", start + 16, 20)
    length = start + 36
    head = struct.pack(">I4xI4s4s4s", length, 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    return (
        head
        + bytes(12)
        + b"acsp"
        + bytes(28)
        + struct.pack(">3i", 63190, 65536, 54061)
        + bytes(48)
        + table
        + curve
        + white
    )


def shown(image: Image.Image, kind: str = "PNG", **options: Any) -> np.ndarray[Any, Any]:
    return decode(encode(image, kind, **options), max_pixels=PIXELS).astype(int)


def light_to_srgb(light: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Linear light of 0..1 to sRGB of 0..255 (IEC 61966-2-1)."""
    curve = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return curve * 255


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_a_profile_of_exchanged_colours_is_applied(kind: str) -> None:
    every: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True},
        "AVIF": {"quality": 95, "subsampling": "4:4:4"},
    }  # fmt: skip
    found = shown(scene(), kind, icc_profile=exchanged(), **every.get(kind, {}))
    assert np.abs(found - SCENE[..., ::-1]).mean() < 2


@pytest.mark.parametrize("name", ["pillow", "libvips", "renamed", "rounded"])
def test_near_copies_of_srgb_touch_nothing(name: str) -> None:
    rounded = bytearray(SRGB)
    rounded[tag_at(SRGB, b"rXYZ") + 11] ^= 7
    data = {"pillow": SRGB, "libvips": icc("srgb"), "renamed": SRGB + bytes(99), "rounded": bytes(rounded)}[
        name
    ]
    np.testing.assert_array_equal(shown(scene(), icc_profile=data), SCENE)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"nonsense", SRGB[:128], SRGB[:200], bytes(3000), SRGB[:16] + b"NONE" + SRGB[20:],
        SRGB[:12] + b"link" + SRGB[16:], SRGB[:128] + b"\xff" * (len(SRGB) - 128), icc("cmyk"),
        grey_profile(1.0), b"\0" * 16 + b"RGB " + bytes(5 << 20),
    ],
)  # fmt: skip
def test_a_broken_or_foreign_profile_is_no_profile(data: bytes) -> None:
    np.testing.assert_array_equal(shown(scene(), "WEBP", lossless=True, icc_profile=data), SCENE)


def test_colours_behind_transparency_are_converted() -> None:
    found = shown(shaded(), icc_profile=exchanged())
    alpha = np.asarray(shaded())[..., 3:] / 255
    assert np.abs(found - (SCENE[..., ::-1] * alpha + 255 * (1 - alpha))).max() <= 3


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_is_converted_by_a_grey_profile(mode: str) -> None:
    ramp = Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (4, 1))).convert(mode)
    found = shown(ramp, icc_profile=grey_profile(1.0))
    expected = light_to_srgb(np.arange(256) / 255)
    assert np.abs(found[0, :, 0] - expected).max() <= 2


def test_grey_and_palettes_are_converted_by_a_colour_profile() -> None:
    palette = scene().quantize(32)
    before, after = shown(palette), shown(palette, icc_profile=exchanged())
    assert np.abs(after - before[..., ::-1]).max() <= 2
    assert np.abs(shown(scene().convert("L"), icc_profile=icc("p3")) - shown(scene().convert("L"))).max() <= 2


def test_cmyk_is_converted_by_its_own_profile() -> None:
    cmyk = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    plain = shown(cmyk, "JPEG", quality=95)[8, 8]
    own = shown(cmyk, "JPEG", quality=95, icc_profile=icc("cmyk"))[8, 8]
    assert np.abs(plain - [0, 255, 255]).max() < 6
    assert np.abs(own - [0, 158, 224]).max() < 30  # cyan ink on paper
    np.testing.assert_array_equal(shown(cmyk, "JPEG", quality=95, icc_profile=SRGB)[8, 8], plain)


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.4, 1 / 1.8, 1 / 3])
def test_gamma_of_a_png(gamma: float) -> None:
    body = with_chunks(encode(scene(), "PNG"), png_chunk(b"gAMA", struct.pack(">I", round(gamma * 1e5))))
    found = decode(body, max_pixels=PIXELS)
    assert np.abs(found - light_to_srgb((SCENE / 255) ** (1 / gamma))).max() <= 3


def test_chromaticities_of_a_png() -> None:
    white, red, green, blue = (SRGB_POINTS[at : at + 2] for at in range(0, 8, 2))
    points = struct.pack(">8I", *white, *blue, *green, *red)
    chunks = png_chunk(b"gAMA", struct.pack(">I", 45455)) + png_chunk(b"cHRM", points)
    found = decode(with_chunks(encode(scene(), "PNG"), chunks), max_pixels=PIXELS)
    assert (
        np.abs(found.astype(int) - SCENE[..., ::-1]).max() <= 8
    )  # the curve of 2.2 is not quite that of sRGB


GAMMA = png_chunk(b"gAMA", struct.pack(">I", 100_000))


@pytest.mark.parametrize(
    "chunks",
    [
        png_chunk(b"gAMA", struct.pack(">I", 45455)),
        png_chunk(b"gAMA", struct.pack(">I", 45000)) + png_chunk(b"cHRM", struct.pack(">8I", *SRGB_POINTS)),
        png_chunk(b"gAMA", bytes(4)),
        png_chunk(b"gAMA", b"\xff" * 4),
        png_chunk(b"sRGB", b"\0") + GAMMA,
        GAMMA + png_chunk(b"cHRM", bytes(32)),
        GAMMA + png_chunk(b"cHRM", b"\xff" * 32),
        GAMMA + png_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, *[30000, 30000] * 3)),
        png_chunk(b"cHRM", struct.pack(">8I", 1, 2, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_ordinary_or_absurd_gamma_touches_nothing(chunks: bytes) -> None:
    found = decode(with_chunks(encode(scene(), "PNG"), chunks), max_pixels=PIXELS)
    np.testing.assert_array_equal(found, SCENE)


def test_profiles_can_be_ignored() -> None:
    body = encode(scene(), "PNG", icc_profile=exchanged(), exif=exif(1))
    gamma = with_chunks(encode(scene(), "PNG"), GAMMA)
    page = encode(scene(), "TIFF", icc_profile=exchanged())
    with Decoder(DecodeSettings(profiles=False)) as decoder:
        for each in (body, gamma, page):
            np.testing.assert_array_equal(decoder.decode(each, max_pixels=PIXELS), SCENE)


def test_a_profile_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[bytes] = []
    build = profile._build

    def count(data: bytes) -> profile.Transform | None:
        built.append(data)
        return build(data)

    monkeypatch.setattr(profile, "_build", count)
    monkeypatch.setattr(profile, "_cache", OrderedDict())
    for _ in range(3):
        shown(scene(), icc_profile=exchanged())
        shown(scene(), icc_profile=SRGB)
    assert len(built) == 2
    for number in range(profile.CACHED + 5):
        shown(scene(), icc_profile=SRGB + bytes([number]))
    assert len(profile._cache) == profile.CACHED


P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])
"""Of linear light, as CSS Color 4 derives it."""


def light(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """sRGB's curve undone: 0..255 to linear light."""
    found = pixels / 255
    curve: np.ndarray[Any, Any] = np.where(found <= 0.04045, found / 12.92, ((found + 0.055) / 1.055) ** 2.4)
    return curve


def as_p3(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What pixels of Display P3 are in sRGB, where sRGB has them."""
    return light_to_srgb(np.clip(light(pixels) @ P3_TO_SRGB.T, 0, 1))


def with_points(points: bytes, *others: bytes) -> bytes:
    return with_chunks(encode(scene(), "PNG"), b"".join([*others, png_chunk(b"cICP", points)]))


def test_code_points_of_a_png_count_more_than_anything_else() -> None:
    found = decode(with_points(bytes([12, 13, 0, 1]), GAMMA), max_pixels=PIXELS)
    assert np.abs(found - as_p3(SCENE)).max() <= 3
    linear = decode(with_points(bytes([1, 8, 0, 1])), max_pixels=PIXELS)
    assert np.abs(linear - light_to_srgb(SCENE / 255)).max() <= 3
    same = decode(with_points(bytes([1, 13, 0, 1]), GAMMA), max_pixels=PIXELS)
    np.testing.assert_array_equal(same, SCENE)


NOTHING = [b"", bytes(3), bytes(4), bytes([12, 16, 0, 1]), bytes([9, 18, 0, 1]), bytes([12, 13, 1, 1])]


@pytest.mark.parametrize("points", [*NOTHING, b"\xff" * 4])
def test_code_points_that_say_nothing_leave_the_word_to_others(points: bytes) -> None:
    expected = decode(with_chunks(encode(scene(), "PNG"), GAMMA), max_pixels=PIXELS)
    np.testing.assert_array_equal(decode(with_points(points, GAMMA), max_pixels=PIXELS), expected)
    np.testing.assert_array_equal(decode(with_points(points), max_pixels=PIXELS), SCENE)


def test_code_points_of_an_avif() -> None:
    body = encode(scene(), "AVIF", quality=100, subsampling="4:4:4")
    at = body.index(b"colrnclx") + 8
    plain = decode(body, max_pixels=PIXELS).astype(int)
    wide = decode(body[:at] + b"\0\x0c" + body[at + 2 :], max_pixels=PIXELS)
    assert np.abs(plain - SCENE).mean() < 2
    assert np.abs(wide - as_p3(plain)).max() <= 3
    assert np.abs(wide - plain).max() > 20
    hdr = decode(body[:at] + b"\0\x09\0\x10" + body[at + 4 :], max_pixels=PIXELS)
    np.testing.assert_array_equal(hdr, plain)
