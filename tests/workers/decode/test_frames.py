"""The first frame of what moves, on its canvas."""

import struct
import zlib

import numpy as np
import pytest

from tests.workers.decode.corpus import png_chunk
from tests.workers.decode.samples import gif_frame, scene
from workers.decode.decoder import decode

CANVAS = (24, 16)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def rows(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    return zlib.compress((b"\0" + bytes(colour) * width) * height)


def control(number: int, width: int, height: int, left: int = 0, top: int = 0) -> bytes:
    return png_chunk(b"fcTL", struct.pack(">5IHHBB", number, width, height, left, top, 1, 10, 0, 0))


def data(number: int, packed: bytes) -> bytes:
    return png_chunk(b"fdAT", struct.pack(">I", number) + packed)


def apng(*chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *CANVAS, 8, 2, 0, 0, 0))
    moves = png_chunk(b"acTL", struct.pack(">II", 1, 0))
    return b"\x89PNG\r\n\x1a\n" + header + moves + b"".join(chunks) + png_chunk(b"IEND", b"")


DEFAULT = png_chunk(b"IDAT", rows(*CANVAS, RED))


def test_the_hidden_default_image_of_an_apng_is_no_frame() -> None:
    packed = rows(10, 6, BLUE)
    body = apng(DEFAULT, control(0, 10, 6, 3, 2), data(1, packed[:9]), data(2, packed[9:]))
    expected = np.full((16, 24, 3), 255)
    expected[2:8, 3:13] = BLUE
    np.testing.assert_array_equal(decode(body, max_pixels=1000), expected)


def test_only_the_data_of_the_first_frame_counts() -> None:
    body = apng(
        DEFAULT,
        control(0, *CANVAS),
        data(1, rows(*CANVAS, BLUE)),
        control(2, *CANVAS),
        data(3, rows(*CANVAS, RED)),
    )
    assert (decode(body, max_pixels=1000) == BLUE).all()


def test_a_default_image_that_is_a_frame_is_the_first() -> None:
    body = apng(control(0, *CANVAS), DEFAULT, control(1, *CANVAS), data(2, rows(*CANVAS, BLUE)))
    assert (decode(body, max_pixels=1000) == RED).all()


@pytest.mark.parametrize(
    "rest",
    [
        (),
        (control(0, *CANVAS),),
        (data(0, rows(*CANVAS, BLUE)),),
        (control(0, 25, 16), data(1, rows(25, 16, BLUE))),
        (control(0, 10, 6, 2**32 - 5, 2**32 - 5), data(1, rows(10, 6, BLUE))),
        (control(0, 0, 0), data(1, rows(0, 0, BLUE))),
        (png_chunk(b"fcTL", b"short"), data(1, rows(*CANVAS, BLUE))),
    ],
)
def test_an_animation_without_a_valid_frame_is_its_default_image(rest: tuple[bytes, ...]) -> None:
    assert (decode(apng(DEFAULT, *rest), max_pixels=1000) == RED).all()


@pytest.mark.parametrize("offset", [(0, 0), (16, 8), (26, 22)])
def test_around_the_first_frame_of_a_gif_it_is_white(offset: tuple[int, int]) -> None:
    left, top = offset
    pixels = decode(gif_frame(left, top, screen=(90, 70)), max_pixels=10_000)
    frame = decode(gif_frame(0, 0, screen=(64, 48)), max_pixels=10_000)
    expected = np.full((70, 90, 3), 255)
    expected[top : top + 48, left : left + 64] = frame
    np.testing.assert_array_equal(pixels, expected)
    assert np.abs(frame.astype(int) - np.asarray(scene())).mean() < 12


def test_a_gif_frame_may_reach_beyond_its_screen() -> None:
    assert decode(gif_frame(16, 8, screen=(10, 10)), max_pixels=10_000).shape == (56, 80, 3)
    assert decode(gif_frame(0, 0, screen=(0, 0)), max_pixels=10_000).shape == (48, 64, 3)
