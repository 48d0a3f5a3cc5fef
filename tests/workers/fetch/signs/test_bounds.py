"""Metadata that grows, overlaps or repeats itself costs an image no more than tenths of a second."""

import struct
import time
import zlib
from collections.abc import Callable

import pytest

from common.signs import Honoured
from tests.workers.decode.corpus import encode, noise, png_chunk
from tests.workers.decode.samples import segment
from workers.fetch.signs.container import read_metadata
from workers.fetch.signs.image import find_image_sign
from workers.fetch.signs.metadata import MAX_BYTES
from workers.fetch.signs.xmp import MAX_ELEMENTS

ELEMENTS = b'<x xmlns:t="http://www.w3.org/ns/tdmrep/">' + b"<a/>" * 250_000 + b"</x>"
"""A packet that is parsed: it mentions a reservation."""
SECONDS = 1.0
"""Of the processor: several times the cost, and less than any of these takes without a bound."""


def in_png(*chunks: bytes) -> bytes:
    body = encode(noise(16), "PNG")
    return body[:33] + b"".join(chunks) + body[33:]


def deflated(packet: bytes, count: int) -> bytes:
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(packet, 9)
    return in_png(png_chunk(b"iTXt", text) * count)


def in_jpeg(count: int) -> bytes:
    body = encode(noise(16), "JPEG")
    packet = ELEMENTS[:60_000]
    return body[:2] + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet) * count + body[2:]


def in_tiff(packet: bytes, count: int) -> bytes:
    """One packet, in many entries."""
    entry = struct.pack("<HHII", 700, 1, len(packet), 10 + 12 * count)
    return b"II*\0" + struct.pack("<IH", 8, count) + entry * count + packet


def in_avif(count: int) -> bytes:
    """Items that are all the same megabyte."""
    types = b"".join(
        struct.pack(">I4sB3xHH4s", 48, b"infe", 2, item, 0, b"mime")
        + b"\0application/rdf+xml\0".ljust(28, b"\0")
        for item in range(count)
    )
    places = b"".join(struct.pack(">HHHII", item, 0, 1, 0, 1 << 20) for item in range(count))
    boxes = struct.pack(">I4sB3xH", 14 + len(types), b"iinf", 0, count) + types
    boxes += struct.pack(">I4sB3xBBH", 16 + len(places), b"iloc", 0, 0x44, 0, count) + places
    meta = struct.pack(">I4sI", 12 + len(boxes), b"meta", 0) + boxes
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"avif", 0, b"avif") + meta + ELEMENTS


def assertions(content: bytes, count: int) -> bytes:
    """A manifest of so many assertions on training."""
    one = _labelled(b"c2pa.training-mining", _box(b"cbor", content))
    store = _labelled(b"c2pa", _labelled(b"m", _labelled(b"c2pa.assertions", one * count)))
    return in_png(png_chunk(b"caBX", store))


def _labelled(label: bytes, boxes: bytes) -> bytes:
    return _box(b"jumb", _box(b"jumd", bytes(16) + b"\x03" + label + b"\0") + boxes)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def equal_hashes(count: int) -> bytes:
    """A map in CBOR whose keys all have one hash in Python."""
    keys = ((number * ((1 << 61) - 1)).to_bytes(10, "big") for number in range(1, count + 1))
    return b"\xba" + struct.pack(">I", count) + b"".join(b"\xc2\x4a" + key + b"\0" for key in keys)


CASES: dict[str, Callable[[], bytes]] = {
    "jpeg, packets": lambda: in_jpeg(250),
    "png, deflated packets": lambda: deflated(ELEMENTS, 50),
    "png, deflated spaces": lambda: deflated(b" " * 1_100_000, 2000),
    "png, words": lambda: in_png(png_chunk(b"tEXt", b"Raw profile type xmp\0" + b"ab " * 6_000_000)),
    "tiff, entries": lambda: in_tiff(ELEMENTS, 1000),
    "tiff, large entries": lambda: in_tiff(b" " * 19_000_000, 100),
    "avif, items": lambda: in_avif(1000),
    "c2pa, keys": lambda: assertions(equal_hashes(4600), 50),
    "c2pa, fewer keys": lambda: assertions(equal_hashes(1100), 500),
}


@pytest.mark.parametrize("case", CASES)
def test_it_costs_little(case: str) -> None:
    body = CASES[case]()
    began = time.thread_time()
    found = read_metadata(body)
    find_image_sign(body, Honoured())
    assert time.thread_time() - began < SECONDS
    assert sum(map(len, [*found.xmp, *found.jumbf])) <= MAX_BYTES + len(body)


def test_a_packet_of_too_many_elements_is_unreadable() -> None:
    packet = ELEMENTS[: 50 + 4 * MAX_ELEMENTS] + b"<t:reservation>1</t:reservation>"
    assert find_image_sign(in_tiff(packet, 1), Honoured()) == "tdm:reservation: unreadable packet"
