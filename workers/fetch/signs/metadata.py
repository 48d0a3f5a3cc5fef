"""What containers of images have in common."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

MAX_PACKET = 1 << 20
"""Bytes of one packet that are parsed."""

MAX_STEPS = 50_000
"""Segments, chunks or blocks that are walked over: more make no image, and cost seconds."""


MAX_PACKETS = 4
"""Packets and boxes of an image that are looked at: a writer leaves one or two."""

MAX_BYTES = 32 << 20
"""Of them together: places in a file may overlap, and deflated ones grow."""


@dataclass(slots=True)
class Metadata:
    """Packets of XMP, and JUMBF boxes, as they stand in an image."""

    xmp: list[bytes] = field(default_factory=list)
    jumbf: list[bytes] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Whether no more of it is looked at."""
        packets = [*self.xmp, *self.jumbf]
        return len(packets) >= MAX_PACKETS or sum(map(len, packets)) >= MAX_BYTES


def read_chunks(body: bytes, at: int, order: Literal["big", "little"]) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of chunks: PNG's have length, kind and checksum, RIFF's kind and length."""
    for _ in range(MAX_STEPS):
        if at + 8 > len(body):
            return
        first, second = body[at : at + 4], body[at + 4 : at + 8]
        kind, length = (second, first) if order == "big" else (first, second)
        end = at + 8 + int.from_bytes(length, order)
        yield kind, at + 8, end
        if kind == b"IEND":
            return
        at = end + 4 if order == "big" else end + (end - at) % 2
