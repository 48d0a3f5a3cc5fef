"""From any mode of Pillow to RGB pixels, faithful to what a viewer would show."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

Pixels = NDArray[np.uint8]

STRIP = 1 << 22
"""Pixels converted at a time: what a conversion needs beside the picture itself stays small."""

_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
"""The EXIF orientation (CIPA DC-008, 4.6.5) and what undoes it."""


def to_rgb(image: Image.Image) -> Pixels:
    """[height, width, 3] of the first frame, turned as its EXIF says."""
    turn = _TURNS.get(_orientation(image))
    image.load()
    width, height = image.size
    rows = max(1, STRIP // width)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        whole = rows >= height
        strip = image if whole else image.crop((0, top, width, min(top + rows, height)))
        flat = _flatten(_eight_bits(strip)).tobytes()
        pixels[top : top + rows] = np.frombuffer(flat, np.uint8).reshape(-1, width, 3)
    return pixels if turn is None else np.ascontiguousarray(turn(pixels))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - EXIF is parsed in Python from the stranger's bytes
        return 1


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits; Pillow's own conversion would clip it."""
    if not image.mode.startswith("I"):
        return image
    grey = np.asarray(image).astype(np.uint32)
    picture = Image.fromarray((grey >> 8).astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        picture.putalpha(Image.fromarray(np.where(grey == key, 0, 255).astype(np.uint8)))
    return picture


def _flatten(image: Image.Image) -> Image.Image:
    """RGB, on white where it is transparent."""
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGB", layered.size, "white")
    white.paste(layered, mask=layered.getchannel("A"))
    return white
