"""ICO and CUR (Windows icons and cursors): the largest image of the directory."""

import struct

from workers.decode.budget import Budget
from workers.decode.error import too_slow
from workers.decode.formats.dib import CORE_HEADER, DIB_HEADERS, dib_size, row_bytes
from workers.decode.formats.png import read_png
from workers.decode.source import Source

MAX_IMAGES = 1000

_ENTRY = struct.Struct("<4B2H2I")  # width, height, colours, reserved, planes, bits, length, offset
_HEADER = 40  # bytes of an image's own, at least
_DEPTHS = frozenset({1, 4, 8, 16, 24, 32})
_PNG = b"\x89PNG\r\n\x1a\n"


def read_ico(body: bytes, budget: Budget) -> Source:
    """The image of most pixels, of these the deepest, as an icon of its own."""
    start, length = max(_entries(body), key=lambda entry: _rank(body[entry[0] : entry[0] + _HEADER]))
    image = body[start : start + length]
    if image.startswith(_PNG):
        return read_png(image, budget)
    width, height = dib_size(image[:_HEADER])
    height //= 2  # colours above a mask
    image = _with_mask(image, width, height)
    bits = _mask_bits(image, width * height)
    entry = _ENTRY.pack(width & 255, height & 255, 0, 0, 1, bits, len(image), 6 + _ENTRY.size)
    return Source("ICO", b"\0\0\1\0\1\0" + entry + image, width * height * 10e-9, size=(width, height))


def _entries(body: bytes) -> list[tuple[int, int]]:
    """Start and length of each image with room for a header; they may overlap."""
    count = int.from_bytes(body[4:6], "little")
    if count > MAX_IMAGES:
        raise too_slow(f"more than {MAX_IMAGES} images")
    directory = body[6 : 6 + _ENTRY.size * min(count, (len(body) - 6) // _ENTRY.size)]
    entries = _ENTRY.iter_unpack(directory)
    return [
        (start, length)
        for *_, length, start in entries
        if length >= _HEADER and start + _HEADER <= len(body) and _is_image(body[start : start + 8])
    ]


def _is_image(header: bytes) -> bool:
    return header == _PNG or int.from_bytes(header[:4], "little") in DIB_HEADERS


def _rank(header: bytes) -> tuple[int, int]:
    """Pixels and bits of a pixel, by the image's own header: the directory's bytes end at 256."""
    if header.startswith(_PNG):
        width, height, depth, colour = struct.unpack_from(">IIBB", header, 16)
        return width * height, depth * (colour + 1)
    width, height = dib_size(header)
    return width * (height // 2), _bits(header)


def _bits(image: bytes) -> int:
    at = 10 if image[0] == CORE_HEADER else 14
    return int.from_bytes(image[at : at + 2], "little")


def _with_mask(image: bytes, width: int, height: int) -> bytes:
    """Colours and mask, and nothing behind them, since Pillow looks for the mask at the end.

    Where it is missing, all is opaque.
    """
    bits, start = _bits(image), int.from_bytes(image[:4], "little")
    if bits not in _DEPTHS:
        return image
    colours = int.from_bytes(image[32:36], "little") if start > CORE_HEADER else 0
    if bits <= 8:  # noqa: PLR2004 - a palette
        start += (3 if start == CORE_HEADER else 4) * (colours or 1 << bits)
    mask = start + row_bytes(width, bits) * height
    whole = mask + row_bytes(width, 1) * height
    return image[:whole].ljust(whole if len(image) >= mask else 0, b"\0")


def _mask_bits(image: bytes, pixels: int) -> int:
    """32 where transparency stands in the pixels' fourth byte; an empty fourth byte leaves it to the mask."""
    bits, start = _bits(image), int.from_bytes(image[:4], "little")
    if bits == 32 and not any(image[start + 3 : start + 4 * pixels : 4]):  # noqa: PLR2004 - bits
        return 24
    return bits
