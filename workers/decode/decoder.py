"""Pillow's decoders behind an allow-list, limits and one class of error."""

import warnings
from collections.abc import Callable, Mapping
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from common.run.schema import Status
from workers.decode.rgb import to_rgb
from workers.decode.sniff import sniff

MAX_SCANS = 100
_SCAN = b"\xff\xda"
_OPEN: Mapping[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
}
warnings.filterwarnings("ignore", module=r"PIL\.")  # strangers would write our log, and fill its registry


class DecodeError(Exception):
    """The bytes are no picture that we accept: `not_an_image`, `decode_error` or `image_too_large`."""

    def __init__(self, status: Status, detail: str) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail


def decode(body: bytes, *, max_pixels: int) -> NDArray[np.uint8]:
    """The first frame, turned as its EXIF says, alpha on white: [height, width, 3] RGB.

    Raises DecodeError. Safe to call from several threads.
    """
    kind = sniff(body)
    if kind is None:
        raise DecodeError(Status.NOT_AN_IMAGE, f"starts with {body[:12].hex()}" if body else "empty")
    if kind == "JPEG" and body.count(_SCAN) > MAX_SCANS:  # each may cost a pass over the whole picture
        raise DecodeError(Status.DECODE_ERROR, f"more than {MAX_SCANS} scans")
    try:
        return _decode(kind, body, max_pixels)
    except DecodeError:
        raise
    except Image.DecompressionBombError as error:
        raise DecodeError(Status.IMAGE_TOO_LARGE, "more pixels than Pillow allows") from error
    except Exception as error:
        raise DecodeError(Status.DECODE_ERROR, _detail(error)) from error


def _decode(kind: str, body: bytes, max_pixels: int) -> NDArray[np.uint8]:
    with _OPEN[kind](BytesIO(body)) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise DecodeError(Status.IMAGE_TOO_LARGE, f"{width} x {height}")
        return to_rgb(image)


def _detail(error: Exception) -> str:
    printable = "".join(c if c.isprintable() else " " for c in f"{type(error).__name__}: {error}")
    return printable[:200]
