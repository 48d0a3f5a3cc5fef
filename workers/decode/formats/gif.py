"""GIF (GIF89a specification): the first frame on its screen."""

import re
import struct

from workers.decode.budget import Budget
from workers.decode.error import too_slow
from workers.decode.source import Source

MAX_BLOCKS = 100_000
"""Sub-blocks before the first frame: 25 MB of full ones."""

_BLOCK = re.compile(rb"[!,;]")  # extension, image, trailer
_GRAPHIC_CONTROL = 0xF9


def read_gif(body: bytes, _budget: Budget) -> Source:
    """The first frame alone; the rest of the screen stays transparent."""
    screen_width, screen_height, flags = struct.unpack_from("<HHB", body, 6)
    start = 13 + _palette_length(flags)
    at, control = _find_image(body, start)
    left, top, width, height = struct.unpack_from("<4H", body, at + 1)
    screen = body[:6] + struct.pack("<HH", width, height) + body[10:start]
    image = b"," + struct.pack("<4H", 0, 0, width, height)
    return Source(
        "GIF",
        screen + control + image + body[at + 9 :],
        width * height * 10e-9,
        size=(max(screen_width, left + width), max(screen_height, top + height)),
        offset=(left, top),
    )


def _palette_length(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _find_image(body: bytes, at: int) -> tuple[int, bytes]:
    """Position of the first image, and the graphic control extension that applies to it."""
    control, blocks = b"", 0
    while (found := _BLOCK.search(body, at)) and found[0] != b";":
        start = found.start()
        if found[0] == b",":
            return start, control
        at, count = _skip_blocks(body, start + 2)
        blocks += count
        if blocks > MAX_BLOCKS:
            raise too_slow(f"more than {MAX_BLOCKS} blocks")
        if body[start + 1 : start + 3] == bytes((_GRAPHIC_CONTROL, 4)):
            control = body[start : start + 7] + b"\0"
    raise ValueError("no frame")


def _skip_blocks(body: bytes, at: int) -> tuple[int, int]:
    """The position behind a chain of sub-blocks, and their number."""
    count = 1
    while at < len(body) and body[at] and count <= MAX_BLOCKS:
        at += body[at] + 1
        count += 1
    return at + 1, count
