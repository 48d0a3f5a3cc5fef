"""Boxes of ISO 14496-12, of which AVIF and JUMBF (ISO 19566-5) consist."""

from collections.abc import Iterator
from typing import NamedTuple

MAX_BOXES = 10_000


class Box(NamedTuple):
    """A box: its kind and its content."""

    kind: bytes
    body: memoryview


def read_boxes(data: memoryview) -> Iterator[Box]:
    """The boxes that follow one another, up to one that is none."""
    at = 0
    for _ in range(MAX_BOXES):
        if at + 8 > len(data):
            return
        length, kind, head = int.from_bytes(data[at : at + 4], "big"), bytes(data[at + 4 : at + 8]), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif length == 0:  # up to the end
            length = len(data) - at
        if length < head:
            return
        yield Box(kind, data[at + head : at + length])
        at += length
