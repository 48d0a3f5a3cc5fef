"""Device-independent bitmaps, as BMP and ICO hold them: the header's kind and size, the length of a row.

After BITMAPV5HEADER of the Windows GDI.
"""

import struct

from workers.decode.source import Size

CORE_HEADER = 12
DIB_HEADERS = frozenset({CORE_HEADER, 40, 52, 56, 64, 108, 124})
"""Lengths of the headers that exist, each its first four bytes."""


def dib_size(header: bytes) -> Size:
    """Width and height from the header of a device-independent bitmap, whose rows may run downwards."""
    if int.from_bytes(header[:4], "little") == CORE_HEADER:
        width, height = struct.unpack_from("<HH", header, 4)
    else:
        width, height = struct.unpack_from("<ii", header, 4)
    return abs(width), abs(height)


def row_bytes(width: int, bits: int) -> int:
    """Bytes of a row, of whole 32-bit words."""
    return (width * bits + 31) // 32 * 4
