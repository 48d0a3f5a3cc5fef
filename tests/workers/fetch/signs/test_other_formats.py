"""Signs in the formats that Pillow writes with metadata of its own: AVIF and TIFF."""

import io
import struct
import time

import pytest
from PIL import Image

from common.signs import Honoured
from tests.workers.fetch.signs.images import assertion, box, manifest, mining, store
from workers.fetch.signs.image import find_image_sign

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
SENSITIVE = store(manifest(assertion({"cawg.ai_inference": {"use": "notAllowed"}})))
PROHIBITED, ALLOWED = mining("DMI-PROHIBITED"), mining("DMI-ALLOWED")


def avif(xmp: bytes = b"") -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(sink, "AVIF", **({"xmp": xmp} if xmp else {}))
    return sink.getvalue()


def tiff(tags: dict[int, bytes], *, big: bool = False) -> bytes:
    sink = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(sink, "TIFF", tiffinfo=tags, big_tiff=big)
    return sink.getvalue()


def turned(order: str, body: bytes) -> bytes:
    """A directory with one entry of XMP, in an order of bytes."""
    head = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8)
    return head + struct.pack(order + "HHHII", 1, 700, 1, len(body), 26) + bytes(4) + body


def manifest_box(purpose: bytes = b"manifest", uuid: bytes = C2PA_BOX) -> bytes:
    return box(b"uuid", uuid + bytes(4) + purpose + b"\0" + bytes(8) + SENSITIVE)


RESERVED = {
    "avif": avif(PROHIBITED),
    "avif, c2pa": avif() + manifest_box(),
    "tiff": tiff({700: PROHIBITED}),
    "a large tiff": tiff({700: PROHIBITED}, big=True),
    "tiff, the other order of bytes": turned(">", PROHIBITED),
    "tiff, small by hand": turned("<", PROHIBITED),
    "tiff, c2pa": turned("<", SENSITIVE).replace(struct.pack("<H", 700), struct.pack("<H", 52545), 1),
}
FREE = {
    "plain avif": avif(),
    "avif allowed": avif(ALLOWED),
    "avif, another box": avif() + manifest_box(uuid=bytes(16)),
    "avif, another purpose": avif() + manifest_box(b"merkle"),
    "avif, behind it": avif() + PROHIBITED,
    "avif, another type of item": avif(PROHIBITED).replace(b"application/rdf+xml", b"application/rdf+xmm"),
    "plain tiff": tiff({}),
    "tiff allowed": tiff({700: ALLOWED}),
    "tiff, a description": tiff({270: PROHIBITED}),
    "tiff, behind it": tiff({}) + PROHIBITED,
    "tiff, cut": turned("<", PROHIBITED)[:20],
    "tiff, of another kind": turned("<", PROHIBITED).replace(struct.pack("<H", 42), struct.pack("<H", 41), 1),
}


@pytest.mark.parametrize("name", RESERVED)
def test_a_reservation_is_found(name: str) -> None:
    assert find_image_sign(RESERVED[name], Honoured()) in {
        "plus: DMI-PROHIBITED",
        "cawg.training-mining: ai_inference notAllowed",
    }


@pytest.mark.parametrize("name", FREE)
def test_a_near_miss_is_none(name: str) -> None:
    assert find_image_sign(FREE[name], Honoured()) is None


def iloc(items: int, extents: int) -> bytes:
    entry = struct.pack(">HHH", 1, 0, extents) + struct.pack(">II", 0, 1 << 24) * 100
    return box(b"iloc", bytes(4) + b"\x44\0" + struct.pack(">H", items) + entry * 400)


INFE = box(b"infe", b"\2\0\0\0" + struct.pack(">HH", 1, 0) + b"mime\0application/rdf+xml\0")
META = box(b"iinf", bytes(4) + struct.pack(">H", 1) + INFE)
HOSTILE = {
    "extents of all": box(b"meta", bytes(4) + META + iloc(65535, 65535)) + bytes(1 << 24),
    "many items": box(b"meta", bytes(4) + box(b"iinf", bytes(6) + INFE * 200_000)),
    "boxes of nothing": box(b"meta", bytes(4) + b"\0\0\0\x08free" * 1_000_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_boxes_cost_little(name: str) -> None:
    before = time.process_time()
    assert find_image_sign(b"\0\0\0\x0cftypavif" + HOSTILE[name], Honoured()) is None
    assert time.process_time() - before < 2


@pytest.mark.parametrize("body", [avif(PROHIBITED), tiff({700: PROHIBITED}), turned(">", PROHIBITED)])
def test_a_file_that_is_cut_raises_nothing(body: bytes) -> None:
    for end in range(0, len(body), 7):
        find_image_sign(body[:end], Honoured())
