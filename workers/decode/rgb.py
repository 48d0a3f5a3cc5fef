"""From any mode of Pillow to RGB pixels, faithful to viewers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workers.decode.colour.profile import find_transform
from workers.decode.source import Key, Size

Pixels = NDArray[np.uint8]

STRIP = 1 << 22
"""Pixels converted at a time, to bound the memory of a conversion."""

_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = {
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p[::-1].swapaxes(0, 1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: p[:, ::-1].swapaxes(0, 1),
}
"""The EXIF orientation (CIPA DC-008, 4.6.5) and its inverse."""


def to_rgb(image: Image.Image, profile: bytes | None, key: Key | None, low: Image.Image | None) -> Pixels:
    """[height, width, 3] of a loaded image, on white where it is transparent.

    Args:
        image: in any mode.
        profile: its ICC profile.
        key: its transparent colour.
        low: the low bytes of 16-bit samples whose high bytes `image` holds, for the key.
    """
    width, height = image.size
    rows = max(1, STRIP // width)
    pixels = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        strip, low_strip = _crop(image, box), _crop(low, box) if low else None
        flat = _flatten(strip, profile, _key_alpha(strip, low_strip, key)).tobytes()
        pixels[top : top + rows] = np.frombuffer(flat, np.uint8).reshape(-1, width, 3)
    return pixels


def place(pixels: Pixels, offset: tuple[int, int], canvas: Size) -> Pixels:
    """A frame on its canvas, white around it."""
    height, width, _ = pixels.shape
    if (width, height) == canvas:
        return pixels
    placed = np.full((canvas[1], canvas[0], 3), 255, np.uint8)
    left, top = offset
    placed[top : top + height, left : left + width] = pixels
    return placed


def turn(pixels: Pixels, orientation: int) -> Pixels:
    """Upright pixels from stored ones."""
    undo = _TURNS.get(orientation)
    return pixels if undo is None else np.ascontiguousarray(undo(pixels))


def _crop(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    return image if box == (0, 0, *image.size) else image.crop(box)


def _key_alpha(strip: Image.Image, low: Image.Image | None, key: Key | None) -> Image.Image | None:
    """0 where every sample equals the key at the file's depth, 255 elsewhere."""
    if key is None:
        return None
    samples = np.asarray(strip.convert("L") if strip.mode == "1" else strip).astype(np.uint16)
    if low is not None:
        samples = samples << 8 | np.asarray(low)
    # Pillow scales samples of fewer than 8 bits to the whole range of a byte
    scale = 255 // ((1 << key.depth) - 1) if key.depth < 8 else 1  # noqa: PLR2004 - bits of a byte
    is_key = samples == np.array(key.samples, np.uint16) * scale
    if is_key.ndim == 3:  # noqa: PLR2004 - of colours, not greys
        is_key = is_key.all(-1)
    return Image.fromarray(np.where(is_key, 0, 255).astype(np.uint8))


def _flatten(strip: Image.Image, profile: bytes | None, alpha: Image.Image | None) -> Image.Image:
    strip = _eight_bits(strip)
    if strip.has_transparency_data and alpha is None:
        strip = strip if strip.mode in {"LA", "RGBA"} else strip.convert("RGBA")
        alpha = strip.getchannel("A")
    colours = _to_srgb(strip, profile)
    if alpha is None:
        return colours
    white = Image.new("RGB", colours.size, "white")
    white.paste(colours, mask=alpha)
    return white


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey scaled to 8 bits; Pillow's own conversion would clip it."""
    if not image.mode.startswith("I;16"):
        return image
    return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))


def _to_srgb(strip: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB, without the alpha channel."""
    base = {"1": "L", "L": "L", "LA": "L", "CMYK": "CMYK"}.get(strip.mode, "RGB")
    transform = find_transform(profile, base)
    if transform is None:
        return _convert(strip, "RGB")
    return transform.apply(_convert(strip, transform.mode))


def _convert(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)
