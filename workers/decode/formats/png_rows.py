"""The rows of a PNG: zlib may call a stream whole that ends before the last of them."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from workers.decode.budget import Budget
from workers.decode.formats.png import SAMPLES, iterate_chunks

_PASSES = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
"""Left, top, and the steps across and down, of each pass of Adam7 (W3C PNG, 8.1)."""

_PIECE = 1 << 16


def has_rows(image: Image.Image, body: bytes, budget: Budget) -> bool:
    """Whether every row of `image` is in the data of `body`.

    Rows that are missing are zeros. So only an image whose last row is zeros is inflated again, and counted.

    Args:
        image: loaded.
        body: that it was loaded from, of `read_png`.
        budget: checked meanwhile.

    Raises:
        SlowImageError: the budget is spent.
    """
    width, height, depth, colour, *_, interlace = struct.unpack_from(">IIBBBBB", body, 16)
    last = height - 1 - (height % 2 if interlace and height > 1 else 0)  # of the last pass that writes rows
    if np.asarray(image.crop((0, last, width, last + 1))).any():
        return True
    needed = _inflated_length(width, height, depth * SAMPLES[colour], is_interlaced=bool(interlace))
    for count in _inflate(body, budget):
        needed -= count
        if needed <= 0:
            return True
    return False


def _inflated_length(width: int, height: int, bits: int, *, is_interlaced: bool) -> int:
    """Bytes of all rows, each with its filter's byte."""
    length = 0
    for left, top, across, down in _PASSES if is_interlaced else ((0, 0, 1, 1),):
        columns, rows = -((left - width) // across), -((top - height) // down)
        if columns > 0 and rows > 0:
            length += rows * (1 - (-columns * bits // 8))
    return length


def _inflate(body: bytes, budget: Budget) -> Iterator[int]:
    """The lengths of pieces of the inflated data."""
    start, end = next((start, end) for kind, start, end in iterate_chunks(body) if kind == b"IDAT")
    packed, inflater = body[start:end], zlib.decompressobj()
    while packed and not inflater.eof:
        budget.check()
        yield len(inflater.decompress(packed, _PIECE))
        packed = inflater.unconsumed_tail
