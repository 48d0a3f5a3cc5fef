"""The quick way gives Pillow's pixels, or leaves the image to Pillow."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.benchmarks.images import draw_image
from workers.decode import quick_jpeg
from workers.decode.budget import Budget
from workers.decode.formats.jpeg import read_jpeg
from workers.decode.here import decode_here
from workers.decode.quick_jpeg import decode_quickly

IMAGE = draw_image((333, 217), 5)
SAVED: dict[str, dict[str, object]] = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "restarts": {"restart_marker_blocks": 3},
    "progressive": {"progressive": True},
    "lowest quality": {"quality": 1},
    "turned": {"exif": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"},
}


def save(image: Image.Image, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("name", SAVED)
def test_every_ordinary_jpeg_is_decoded_bit_for_bit_as_by_pillow(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = save(IMAGE, **SAVED[name])
    source = read_jpeg(body, Budget(1))
    assert decode_quickly(source, source.body, profiles=True) is not None
    quick = decode_here(body, max_pixels=100_000)
    monkeypatch.setattr(quick_jpeg, "QUICK", -1.0)
    assert decode_quickly(source, source.body, profiles=True) is None
    assert np.array_equal(quick, decode_here(body, max_pixels=100_000))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_other_colours_are_pillows(mode: str) -> None:
    source = read_jpeg(save(IMAGE.convert(mode)), Budget(1))
    assert decode_quickly(source, source.body, profiles=True) is None


def test_colours_that_a_profile_changes_are_pillows() -> None:
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swapped.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    source = read_jpeg(save(IMAGE, icc_profile=swapped), Budget(1))
    assert decode_quickly(source, source.body, profiles=True) is None
    assert decode_quickly(source, source.body, profiles=False) is not None


def test_what_libjpeg_warns_of_is_pillows() -> None:
    body = save(IMAGE)
    for broken in (body[: len(body) // 2], body[:200] + body[220:], b"\xff\xd8\xff\xd9"):
        source = read_jpeg(broken, Budget(1))
        found = decode_quickly(source, source.body, profiles=True)
        assert found is None, len(broken)
