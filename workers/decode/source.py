"""The result of a format's reader."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "ICO", "TIFF"]

Size = tuple[int, int]
"""Width and height in pixels."""


@dataclass(frozen=True, slots=True)
class Key:
    """The sample values that are transparent in a PNG without alpha (its tRNS chunk).

    Args:
        samples: one of grey, or red, green and blue, at the file's depth.
        depth: bits of a sample.
    """

    samples: tuple[int, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Source:
    """An image reduced to the bytes that decide its pixels, with the metadata that they depend on.

    Args:
        format: the decoder for `body`.
        body: the first frame alone, without metadata.
        seconds: estimated CPU time.
        size: of the canvas; None where only the decoder can tell.
        offset: of the frame on the canvas: left, top.
        orientation: 1 to 8, as EXIF counts.
        profile: an ICC profile.
        key: the transparent colour.
        is_greedy: it may take far more memory than its pixels.
        other_ending: the same frame with other bytes behind the data; a whole image decodes to equal pixels.
    """

    format: Format
    body: bytes
    seconds: float
    size: Size | None = None
    offset: tuple[int, int] = (0, 0)
    orientation: int = 1
    profile: bytes | None = None
    key: Key | None = None
    is_greedy: bool = False
    other_ending: bytes | None = None
