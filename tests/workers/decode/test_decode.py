"""What becomes of bytes."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workers.decode.decoder import decode
from workers.decode.error import DecodeError

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # as the decoder does
MAX_PIXELS = 1_000_000
GRADIENT = np.stack(np.meshgrid(np.arange(0, 256, 4), np.arange(0, 256, 8)), -1).astype(
    np.uint8
)  # [32, 64, 2]
RGB = np.dstack([GRADIENT, GRADIENT[..., :1] // 2 + 50])  # [32, 64, 3]


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def rgb(image: Image.Image, kind: str, **options: Any) -> np.ndarray[Any, Any]:
    return decode(encode(image, kind, **options), max_pixels=MAX_PIXELS)


def failure(body: bytes, max_pixels: int = MAX_PIXELS) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(body, max_pixels=max_pixels)
    assert len(caught.value.detail) <= 200
    assert caught.value.detail.isprintable()
    return caught.value.status


def test_the_answer_is_writable_rgb() -> None:
    pixels = rgb(Image.fromarray(RGB), "PNG")
    assert pixels.shape == (32, 64, 3)
    assert pixels.dtype == np.uint8
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous
    np.testing.assert_array_equal(pixels, RGB)


@pytest.mark.parametrize(
    "options", [{"kind": "JPEG", "quality": 98}, {"kind": "WEBP", "lossless": True}, {"kind": "GIF"}]
)
def test_every_format(options: dict[str, Any]) -> None:
    assert np.abs(rgb(Image.fromarray(RGB), **options).astype(int) - RGB).mean() < 4


def test_transparency_is_white() -> None:
    rgba = Image.fromarray(np.dstack([RGB, np.full((32, 64), 255, np.uint8)]))
    rgba.paste((10, 20, 30, 0), (0, 0, 8, 8))
    rgba.paste((100, 100, 100, 51), (8, 8, 16, 16))
    for kind, options in (("PNG", {}), ("WEBP", {"lossless": True, "exact": True})):
        pixels = rgb(rgba, kind, **options)
        assert (pixels[:8, :8] == 255).all()
        assert (pixels[8:16, 8:16] == 224).all()  # 100 * 0.2 + 255 * 0.8
        np.testing.assert_array_equal(pixels[16:], RGB[16:])


def test_a_transparent_palette_is_white() -> None:
    palette = Image.fromarray(np.tile(np.arange(4, dtype=np.uint8), (4, 1)), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    for kind in ("PNG", "GIF"):
        pixels = rgb(palette, kind, transparency=1)
        assert pixels[0].tolist() == [[255, 0, 0], [255, 255, 255], [0, 0, 255], [9, 9, 9]]


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    grey = np.array([[0, 255, 256, 40_000, 65_535]], np.uint16)
    assert rgb(Image.fromarray(grey), "PNG")[0, :, 0].tolist() == [0, 0, 1, 156, 255]


def test_cmyk_is_converted() -> None:
    cmyk = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert np.abs(rgb(cmyk, "JPEG", quality=95)[8, 8].astype(int) - [255, 0, 0]).max() < 6


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_rgb(mode: str) -> None:
    source = (
        Image.fromarray(GRADIENT[..., 0].astype(np.uint16) << 8)
        if mode == "I;16"
        else Image.fromarray(RGB).convert(mode)
    )
    assert rgb(source, "PNG").shape == (32, 64, 3)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_strips_are_the_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    kind = "JPEG" if mode == "CMYK" else "PNG"
    body = encode(Image.fromarray(RGB).convert(mode), kind, exif=exif.tobytes())
    whole = decode(body, max_pixels=MAX_PIXELS)
    for pixels in (1, 64, 64 * 7):
        monkeypatch.setattr("workers.decode.rgb.STRIP", pixels)
        np.testing.assert_array_equal(decode(body, max_pixels=MAX_PIXELS), whole)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns(kind: str, orientation: int) -> None:
    upright = np.kron(np.arange(6).reshape(2, 3) * 40, np.ones((16, 16))).astype(np.uint8)  # [32, 48]
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.T, 6: upright.T[::-1], 7: upright.T[::-1, ::-1], 8: upright.T[:, ::-1],
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = rgb(
        Image.fromarray(np.ascontiguousarray(stored)).convert("RGB"), kind, exif=exif.tobytes(), quality=95
    )
    assert np.abs(pixels[..., 0].astype(int) - upright).mean() < 3


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 999,
    ],
)
def test_absurd_exif_is_ignored(exif: bytes) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        assert rgb(Image.fromarray(RGB), kind, exif=exif).shape == (32, 64, 3)


def test_the_first_frame_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for kind, options in (("GIF", {}), ("PNG", {}), ("WEBP", {"lossless": True})):
        pixels = rgb(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (pixels == [255, 0, 0]).all()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>not found</html>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"<svg/>",
        b"RIFF\0\0\0\0WAVE",
        b"BM" + bytes(60),
    ],
)
def test_other_bytes_are_not_an_image(body: bytes) -> None:
    assert failure(body) == "not_an_image"


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "JPEG2000"])
def test_other_formats_are_not_an_image(kind: str) -> None:
    assert failure(encode(Image.fromarray(RGB), kind)) == "not_an_image"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_an_image_cut_short_is_a_decode_error(kind: str) -> None:
    body = encode(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)), kind)
    for percent in range(5, 96, 10):
        assert failure(body[: len(body) * percent // 100]) == "decode_error", percent


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_too_many_pixels_are_refused_by_the_header(kind: str) -> None:
    assert failure(encode(Image.new("L", (101, 100)), kind), max_pixels=10_000) == "image_too_large"
    assert decode(encode(Image.new("L", (100, 100)), kind), max_pixels=10_000).shape == (100, 100, 3)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    body = encode(Image.fromarray(RGB), "JPEG", progressive=True)
    assert failure(body[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200) == "decode_error"
