"""Decoding in this process: readers first, then Pillow's decoders, one class of error."""

import math
import threading
import warnings
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from io import BytesIO

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from common.run.status import Status
from workers.decode.budget import Budget
from workers.decode.error import DecodeError, SlowImageError, too_slow
from workers.decode.exif import read_orientation
from workers.decode.formats import READERS
from workers.decode.formats.png_rows import has_rows
from workers.decode.formats.tiff import correct
from workers.decode.quick_jpeg import decode_quickly
from workers.decode.rgb import Pixels, place, to_rgb, turn
from workers.decode.sniff import sniff, unread_format
from workers.decode.source import Format, Source

_OPEN: Mapping[Format, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "ICO": IcoImagePlugin.IcoImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}
CUT_SHORT = "cut short"
_greedy = threading.Lock()
"""Held by the one image of this process that may take far more memory than its pixels."""

_HIGH_BYTES, _LOW_BYTES = "RGB;16B", "RGB;16L"
warnings.filterwarnings("ignore", module=r"PIL\.")  # strangers would write our log, and fill its registry
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the budget counts this thread's time


def decode_here(body: bytes, *, max_pixels: int, profiles: bool = True, seconds: float = math.inf) -> Pixels:
    """As `workers.decode.decode`, within this thread.

    Args:
        body: any bytes.
        max_pixels: of the canvas.
        profiles: convert colours to sRGB by the image's profile.
        seconds: CPU time that may be spent here.

    Raises:
        DecodeError: no image that we accept.
        SlowImageError: more than `seconds` are needed, or more memory than there is.
    """
    kind = sniff(body)
    if kind is None:
        raise DecodeError(Status.NOT_AN_IMAGE, _describe(body))
    try:
        return _decode(kind, body, max_pixels, Budget(seconds), profiles=profiles)
    except (DecodeError, SlowImageError):
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(Status.IMAGE_TOO_LARGE, "more pixels than Pillow allows") from error
    except MemoryError as error:
        raise (too_slow("out of memory") if seconds == math.inf else SlowImageError()) from error
    except Exception as error:
        raise DecodeError(Status.DECODE_ERROR, _detail(error)) from error


def _describe(body: bytes) -> str:
    name = unread_format(body)
    if name is not None:
        return f"{name} is not read"
    return f"starts with {body[:12].hex()}" if body else "empty"


def _detail(error: Exception) -> str:
    printable = "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")
    return printable[:200]


def _decode(kind: Format, body: bytes, max_pixels: int, budget: Budget, *, profiles: bool) -> Pixels:
    source = READERS[kind](body, budget)
    if source.size is not None:
        _require_pixels(source.size, max_pixels)
    if source.seconds > budget.seconds:
        raise SlowImageError
    with _greedy if source.is_greedy else nullcontext():
        pixels = _frame(source, source.body, max_pixels, budget, profiles=profiles)
    if source.other_ending is not None:
        other = _frame(source, source.other_ending, max_pixels, budget, profiles=profiles)
        if not np.array_equal(pixels, other):
            raise DecodeError(Status.DECODE_ERROR, CUT_SHORT)
    return pixels


def _require_pixels(size: tuple[int, int], max_pixels: int) -> None:
    if size[0] * size[1] > max_pixels:
        raise DecodeError(Status.IMAGE_TOO_LARGE, f"{size[0]} x {size[1]}")


def _frame(source: Source, body: bytes, max_pixels: int, budget: Budget, *, profiles: bool) -> Pixels:
    quick = decode_quickly(source, body, profiles=profiles)
    if quick is not None:
        return turn(quick, source.orientation)
    with _OPEN[source.format](budget.open(body)) as image:
        _require_pixels(image.size, max_pixels)
        image.info.pop("xmp", None)  # Pillow would turn by it
        orientation = source.orientation
        if source.format == "AVIF":  # where Pillow says how the file's own properties turn it
            orientation = read_orientation(image.info.get("exif", b""))
        image.load()
        if source.format == "PNG" and not has_rows(image, body, budget):
            raise DecodeError(Status.DECODE_ERROR, CUT_SHORT)
        page = correct(image) if isinstance(image, TiffImagePlugin.TiffImageFile) else image
        low = _low_bytes(source, budget)
        profile = (source.profile or image.info.get("icc_profile")) if profiles else None
        pixels = to_rgb(page, profile, source.key, low)
    return turn(place(pixels, source.offset, source.size or image.size), orientation)


def _low_bytes(source: Source, budget: Budget) -> Image.Image | None:
    """Pillow keeps the high bytes of 16-bit RGB; a key needs the low ones too."""
    if source.key is None or source.key.depth < 16 or len(source.key.samples) == 1:  # noqa: PLR2004 - bits
        return None
    image = PngImagePlugin.PngImageFile(budget.open(source.body))
    image.tile = [tile._replace(args=_LOW_BYTES) for tile in image.tile if tile.args == _HIGH_BYTES]
    image.load()
    return image
