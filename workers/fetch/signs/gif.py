"""Metadata in GIF (89a)."""

from collections.abc import Iterator

from workers.fetch.signs.metadata import MAX_STEPS, Metadata

_GIF_XMP = b"XMP DataXMP"


def read_gif(body: bytes) -> Metadata:
    found = Metadata()
    if _GIF_XMP not in body:  # most have none, and a walk goes by pieces of 255 bytes
        return found
    for start, end in _gif_blocks(body, 13 + _table_bytes(body[10:11])):
        if body.startswith(_GIF_XMP, start + 1):
            found.xmp.append(body[start + 1 + len(_GIF_XMP) : end].rpartition(b"\1\xff\xfe")[0])
            if found.is_full:
                break
    return found


def _gif_blocks(body: bytes, at: int) -> Iterator[tuple[int, int]]:
    """Start and end of the sub-blocks of each extension and image."""
    start = None
    for _ in range(MAX_STEPS):
        if start is not None and body[at : at + 1] > b"\0":  # within
            at += 1 + body[at]
            continue
        if start is not None:
            yield start, at
            at += 1
        kind = body[at : at + 1]
        if kind not in {b"\x21", b"\x2c"}:
            return
        start = at = at + 2 if kind == b"\x21" else at + 11 + _table_bytes(body[at + 9 : at + 10])


def _table_bytes(flags: bytes) -> int:
    """Of a colour table, as the flags before it say."""
    return 3 << (flags[0] & 7) + 1 if flags and flags[0] & 0x80 else 0
