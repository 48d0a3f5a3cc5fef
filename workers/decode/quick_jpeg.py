"""The ordinary JPEG by libjpeg-turbo's own interface: Pillow's pixels, bit for bit, in half of its time."""

import simplejpeg

from workers.decode.colour.profile import find_transform
from workers.decode.rgb import Pixels
from workers.decode.source import Source

QUICK = 0.25
"""Estimated CPU seconds up to which nothing looks at the clock meanwhile."""


def decode_quickly(source: Source, body: bytes, *, profiles: bool) -> Pixels | None:
    """Stored pixels of a JPEG in YCbCr whose colours stay; None where Pillow has to decide.

    libjpeg's every warning counts as a refusal here: Pillow then takes or refuses the image.
    """
    if source.format != "JPEG" or source.seconds > QUICK:
        return None
    if profiles and find_transform(source.profile, "RGB") is not None:
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(body)
        if colours != "YCbCr" or (width, height) != source.size:
            return None
        pixels: Pixels = simplejpeg.decode_jpeg(body, "RGB", fastdct=False, fastupsample=False)
    except ValueError:
        return None
    return pixels
