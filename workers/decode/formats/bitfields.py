"""Bitmaps whose samples lie at masks of their own, put into the one order that every decoder knows.

After BITMAPV5HEADER of the Windows GDI.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from workers.decode.formats.dib import row_bytes

BITFIELDS, ALPHA_BITFIELDS = 3, 6
"""Values of a header's compression."""

_HEADERS = frozenset({40, 52, 56, 108, 124})
_HOLDS_ALPHA = 56
_START = 14 + _HOLDS_ALPHA
_STANDARD = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
"""Masks of red, green, blue and alpha."""

Samples = NDArray[np.uint8]


def has_bitfields(body: bytes) -> bool:
    """Whether masks divide the 16 or 32 bits a pixel of a BMP; OS/2 means something else by that number."""
    length, bits, compression = struct.unpack_from("<I10xHI", body, 14)
    return length in _HEADERS and bits in {16, 32} and compression in {BITFIELDS, ALPHA_BITFIELDS}


def reorder(body: bytes) -> bytes:
    """The same image with 8 bits each of blue, green, red and alpha.

    Raises:
        ValueError: it is cut short, or has no size.
    """
    (start,) = struct.unpack_from("<I", body, 10)
    length, width, height, bits, compression = struct.unpack_from("<Iii2xHI", body, 14)
    words = _read_words(body[start:], width, abs(height), bits)
    red, green, blue, alpha = struct.unpack_from("<4I", body, 54)
    has_alpha = length >= _HOLDS_ALPHA or compression == ALPHA_BITFIELDS
    planes = [_take(words, mask) for mask in (blue, green, red)]
    pixels = np.stack([*planes, _take_alpha(words, alpha if has_alpha else 0)], -1).tobytes()
    header = struct.pack("<Iii2H6I", _HOLDS_ALPHA, width, height, 1, 32, BITFIELDS, *[0] * 5)
    header += struct.pack("<4I", *_STANDARD)
    return struct.pack("<2sI4xI", b"BM", _START + len(pixels), _START) + header + pixels


def _read_words(data: bytes, width: int, height: int, bits: int) -> NDArray[np.uint32]:
    """[height, width], as they lie."""
    stride = row_bytes(width, bits)
    if min(width, height) < 1 or len(data) < stride * height:
        raise ValueError("cut short")
    rows = np.frombuffer(data[: stride * height], f"<u{bits // 8}").reshape(height, -1)
    return rows[:, :width].astype(np.uint32)


def _take(words: NDArray[np.uint32], mask: int) -> Samples:
    """The samples under a mask, scaled to 8 bits."""
    if not mask:
        return np.zeros(words.shape, np.uint8)
    values = (words & np.uint32(mask)) >> np.uint32((mask & -mask).bit_length() - 1)
    most = mask // (mask & -mask)
    if most > 255:  # noqa: PLR2004 - 8 bits
        return (values >> np.uint32(most.bit_length() - 8)).astype(np.uint8)
    scaled: Samples = np.rint(np.arange(most + 1) * 255 / most).astype(np.uint8)[values]
    return scaled


def _take_alpha(words: NDArray[np.uint32], mask: int) -> Samples:
    """Alpha; browsers take one that is empty for none."""
    alpha = _take(words, mask)
    return alpha if alpha.any() else np.full(words.shape, 255, np.uint8)
