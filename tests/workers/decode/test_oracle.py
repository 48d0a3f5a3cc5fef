"""The pixels are those of another decoder: libvips, which judges by pixels alone and turns by EXIF."""

from typing import Any

import numpy as np
import pytest
import pyvips

from tests.workers.decode.samples import samples
from workers.decode import decode

LOSSY = ("JPEG", "jpeg", "webp, lossy", "AVIF", "avif")
"""Decoders round, scale colour planes and convert colours in ways of their own."""


def expected(body: bytes) -> np.ndarray[Any, Any]:
    """[height, width, 3], in sRGB on white."""
    image = pyvips.Image.new_from_buffer(body, "").autorot()
    if image.interpretation == "cmyk" or image.get_typeof("icc-profile-data"):
        image = image.icc_transform("srgb", embedded=True, intent="perceptual")
    if image.interpretation in {"rgb16", "grey16"}:  # vips rounds; the high byte is the usual 8-bit value
        image = (image >> 8).cast("uchar").copy(interpretation="srgb" if image.bands > 2 else "b-w")
    image = image.colourspace("srgb")
    if image.hasalpha():
        image = image.flatten(background=255)
    return np.asarray(image.cast("uchar").numpy())


@pytest.mark.parametrize("name", samples())
def test_pixels_are_those_of_libvips(name: str) -> None:
    body = samples()[name]
    found, wanted = decode(body, max_pixels=1_000_000), expected(body)
    assert found.shape == wanted.shape
    difference = np.abs(found.astype(int) - wanted)
    lossy = any(kind in name for kind in LOSSY)
    assert difference.max() <= (12 if lossy else 2), difference.max()
    assert difference.mean() <= (1.5 if lossy else 1), difference.mean()


def test_there_are_enough_of_them() -> None:
    assert len(samples()) >= 100
