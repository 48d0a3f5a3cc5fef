"""Where a JPEG ends, and what in it counts."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from tests.workers.decode.corpus import encode, noise
from tests.workers.decode.samples import exif, insert, scene, segment
from workers.decode.decoder import decode
from workers.decode.error import DecodeError

PIXELS = 1_000_000
WAYS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "restarts": {"restart_marker_blocks": 3},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True, "quality": 50},
}


def bodies() -> dict[str, bytes]:
    found = {f"{name}, {way}": encode(image, "JPEG", **options)
             for name, image in (("scene", scene()), ("noise", noise(50)))
             for way, options in WAYS.items()}  # fmt: skip
    found["grey"] = encode(scene().convert("L"), "JPEG")
    found["cmyk"] = encode(scene().convert("CMYK"), "JPEG")
    return found


def status(body: bytes) -> str:
    try:
        decode(body, max_pixels=PIXELS)
    except DecodeError as error:
        return error.status
    return "ok"


@pytest.mark.parametrize("name", bodies())
def test_a_whole_image_without_its_end_is_taken(name: str) -> None:
    body = bodies()[name]
    whole = decode(body, max_pixels=PIXELS)
    for ending in (b"", b"\xff", b"\xff\xff\xff", bytes(100)):
        np.testing.assert_array_equal(decode(body[:-2] + ending, max_pixels=PIXELS), whole)


@pytest.mark.parametrize("name", bodies())
def test_a_cut_image_is_refused(name: str) -> None:
    body = bodies()[name]
    cuts = {len(body) * percent // 100 for percent in range(1, 100)} | {len(body) - n for n in range(5, 30)}
    found = Counter(status(body[:cut]) for cut in cuts if body[:cut].startswith(b"\xff\xd8\xff"))
    assert set(found) == {"decode_error"}, found


def test_a_progressive_image_cut_between_scans_is_refused() -> None:
    body = bodies()["scene, progressive"]
    starts = [at for at in range(len(body) - 1) if body[at : at + 2] == b"\xff\xda"]
    tables = [body.rindex(b"\xff\xc4", 0, start) for start in starts[1:]]
    assert len(tables) > 5
    assert {status(body[:cut]) for cut in tables} == {"decode_error"}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("blocks", [1, 3])
def test_an_image_cut_between_restart_intervals_is_refused(progressive: bool, blocks: int) -> None:
    body = encode(noise(96), "JPEG", restart_marker_blocks=blocks, progressive=progressive)
    marks = [
        at
        for at in range(body.index(b"\xff\xda"), len(body))
        if body[at] == 0xFF and 0xD0 <= body[at + 1] < 0xD8
    ]
    assert len(marks) > 10
    for at in marks[:: len(marks) // 10]:
        assert {status(body[: at + more]) for more in range(3)} == {"decode_error"}


@pytest.mark.parametrize(
    "junk", [b"\xff\xda" * 5000, b"\xff\xd8\xff\xe1\xff\xff" * 99, b"\xff\xd9" * 99, b"PK\x05\x06"]
)
def test_what_lies_behind_the_end_is_ignored(junk: bytes) -> None:
    body = bodies()["scene, progressive"]
    np.testing.assert_array_equal(decode(body + junk, max_pixels=PIXELS), decode(body, max_pixels=PIXELS))


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xED, 0xEF, 0xFE])
def test_scans_in_segments_are_no_scans(marker: int) -> None:
    body = bodies()["scene, baseline"]
    inside = segment(marker, b"\xff\xda\xff\xd9" * 1000)
    np.testing.assert_array_equal(
        decode(insert(body, inside), max_pixels=PIXELS), decode(body, max_pixels=PIXELS)
    )


def test_the_first_exif_block_turns() -> None:
    body = encode(scene(), "JPEG")
    blocks = [segment(0xE1, exif(number)) for number in (6, 3)]
    assert decode(insert(body, *blocks), max_pixels=PIXELS).shape == (64, 48, 3)
    assert decode(insert(body, *blocks[::-1]), max_pixels=PIXELS).shape == (48, 64, 3)
