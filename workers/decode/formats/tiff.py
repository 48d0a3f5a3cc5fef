"""TIFF (TIFF 6.0): the first page."""

import math

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, PLANAR_CONFIGURATION, TiffImageFile

from common.run.status import Status
from workers.decode.budget import Budget
from workers.decode.error import DecodeError
from workers.decode.source import Source

_WHITE_IS_ZERO, _PLANES = 0, 2
_DEEP = 16
"""Bits of a sample."""


def read_tiff(body: bytes, _budget: Budget) -> Source:
    """The file as it is, never for this process: libtiff's many decoders cannot be stopped between strips."""
    return Source("TIFF", body, math.inf)


def correct(image: TiffImageFile) -> Image.Image:
    """A loaded page with its white where the file has it; Pillow heeds that up to 8 bits a sample.

    Raises:
        DecodeError: Pillow has not put the samples together as the file says.
    """
    tags = image.tag_v2
    bits = max(tags.get(BITSPERSAMPLE, (1,)))
    if bits < _DEEP:
        return image
    if tags.get(PLANAR_CONFIGURATION) == _PLANES and len(image.getbands()) > 1:
        raise DecodeError(Status.DECODE_ERROR, f"TIFF with samples of {bits} bits in planes is not read")
    if image.mode.startswith("I;16") and tags.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        return Image.fromarray(0xFFFF - np.asarray(image))
    return image
