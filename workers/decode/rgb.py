"""From any mode of Pillow to RGB pixels, faithful to what a viewer would show."""

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The EXIF orientation (CIPA DC-008, 4.6.5) and what undoes it."""


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """[height, width, 3] of the first frame."""
    turn = _TURNS.get(_orientation(image))
    flat = _flatten(_eight_bits(image))
    return np.array(flat if turn is None else flat.transpose(turn))


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
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGB", layered.size, "white")
    white.paste(layered, mask=layered.getchannel("A"))
    return white
