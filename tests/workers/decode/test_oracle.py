"""The pixels are those of another decoder: libvips, which judges by pixels alone and turns by EXIF."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import pyvips

from tests.workers.decode.samples import KINDS, samples
from workers.decode.decoder import decode

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


def is_equal(name: str, body: bytes) -> bool:
    found, wanted = decode(body, max_pixels=1_000_000), expected(body)
    if found.shape != wanted.shape:
        return False
    difference = np.abs(found.astype(int) - wanted)
    most, mean = (12, 1.5) if any(kind in name for kind in LOSSY) else (2, 1)
    return bool(difference.max() <= most and difference.mean() <= mean)


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_libvips(kind: Callable[[], dict[str, bytes]]) -> None:
    assert [name for name, body in kind().items() if not is_equal(name, body)] == []


def test_there_are_enough_of_them() -> None:
    assert len(samples()) >= 100
