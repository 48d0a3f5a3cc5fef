"""Metadata inside images: the containers are walked, not searched.

A search would miss deflated text and values that a segment cuts, and find what a description only mentions.
"""

from collections.abc import Callable

from workers.fetch.signs.avif import read_avif
from workers.fetch.signs.gif import read_gif
from workers.fetch.signs.jpeg import read_jpeg
from workers.fetch.signs.metadata import Metadata, read_chunks
from workers.fetch.signs.png import read_png
from workers.fetch.signs.tiff import read_tiff


def read_metadata(body: bytes) -> Metadata:
    """The metadata of an image; none where it is of another format, or damaged before it."""
    for magic, read in _READERS.items():
        if body.startswith(magic):
            return read(body)
    return read_avif(body) if body[4:8] == b"ftyp" else Metadata()


def _read_webp(body: bytes) -> Metadata:
    """RFC 9649."""
    found = Metadata()
    if body[8:12] != b"WEBP":
        return found
    for kind, start, end in read_chunks(body, 12, "little"):
        if kind in {b"XMP ", b"XMP\0"}:
            found.xmp.append(body[start:end])
        elif kind == b"C2PA":
            found.jumbf.append(body[start:end])
        if found.is_full:
            break
    return found


_READERS: dict[bytes, Callable[[bytes], Metadata]] = {
    b"\xff\xd8": read_jpeg,
    b"\x89PNG\r\n\x1a\n": read_png,
    b"RIFF": _read_webp,
    b"GIF8": read_gif,
    b"II": read_tiff,
    b"MM": read_tiff,
}
