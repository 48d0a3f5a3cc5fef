"""BMP (Windows bitmaps): the header's size."""

import struct

from workers.decode.budget import Budget
from workers.decode.source import Size, Source

CORE_HEADER = 12
DIB_HEADERS = frozenset({CORE_HEADER, 40, 52, 56, 64, 108, 124})
"""Lengths of the headers that exist, each its first four bytes."""


def read_bmp(body: bytes, _budget: Budget) -> Source:
    """The file as it is."""
    width, height = dib_size(body[14:40])
    return Source("BMP", body, width * height * 3e-9, size=(width, height))


def dib_size(header: bytes) -> Size:
    """Width and height from the header of a device-independent bitmap, whose rows may run downwards."""
    if int.from_bytes(header[:4], "little") == CORE_HEADER:
        width, height = struct.unpack_from("<HH", header, 4)
    else:
        width, height = struct.unpack_from("<ii", header, 4)
    return abs(width), abs(height)
