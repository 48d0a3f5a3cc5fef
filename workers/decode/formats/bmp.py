"""BMP (Windows bitmaps): the header's size, and layouts that Pillow does not read."""

import struct

from workers.decode.budget import Budget
from workers.decode.formats.bitfields import has_bitfields, reorder
from workers.decode.formats.dib import CORE_HEADER, dib_size
from workers.decode.source import Source

_PALETTES = frozenset({1, 4, 8})
"""Bits of a pixel."""


def read_bmp(body: bytes, _budget: Budget) -> Source:
    """The file as it is, or the same image in a plainer layout."""
    width, height = dib_size(body[14:40])
    body = reorder(body) if has_bitfields(body) else _without_excess(body)
    return Source("BMP", body, width * height * 3e-9, size=(width, height))


def _without_excess(body: bytes) -> bytes:
    """With no more colours than indices: some writers count 256 for any depth."""
    length, bits, colours = struct.unpack_from("<I10xH16xI", body, 14)
    if length == CORE_HEADER or bits not in _PALETTES or colours <= 1 << bits:
        return body
    return body[:46] + bytes(4) + body[50:]  # all of them
