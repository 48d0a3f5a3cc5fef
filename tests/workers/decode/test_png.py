"""What is not pixels decides nothing in a PNG."""

import zlib

import numpy as np
import pytest
from PIL import Image

from tests.workers.decode.corpus import encode, png, png_chunk
from tests.workers.decode.samples import exif, scene, vips, with_chunks
from workers.decode.decoder import decode
from workers.decode.error import DecodeError

PIXELS = 1_000_000
PLAIN = encode(scene(), "PNG")
SIDE = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"gAMA", b"cHRM", b"pHYs", b"tRNS", b"sBIT", b"bKGD", b"hIST",
        b"tIME", b"sRGB", b"eXIf", b"acTL", b"fcTL", b"sPLT", b"cICP", b"vpAg", b"oFFs")  # fmt: skip
CONTENTS = {
    "empty": b"",
    "short": b"\0",
    "zeros": bytes(70),
    "ones": b"\xff" * 70,
    "long": bytes(300_000),
    "inflates": b"a\0\0" + zlib.compress(bytes(9 << 20)),
    "cut": b"a\0\0" + zlib.compress(bytes(range(256)) * 99)[:-40],
}


def test_nothing_but_pixels_decides() -> None:
    for kind in SIDE:
        for name, content in CONTENTS.items():
            if kind == b"tRNS" and len(content) >= 6:
                continue  # a valid key
            pixels = decode(with_chunks(PLAIN, png_chunk(kind, content)), max_pixels=PIXELS)
            np.testing.assert_array_equal(pixels, np.asarray(scene()), err_msg=f"{kind!r} {name}")


@pytest.mark.parametrize("kind", [kind.decode() for kind in SIDE])
def test_a_wrong_checksum_leaves_out_its_chunk(kind: str) -> None:
    good = png_chunk(kind.encode(), b"\0\0\0\1\0\0\0\0")
    pixels = decode(with_chunks(PLAIN, good[:-4] + b"oops"), max_pixels=PIXELS)
    np.testing.assert_array_equal(pixels, np.asarray(scene()))


def test_chunks_behind_the_pixels_may_be_broken_or_missing() -> None:
    for rest in (b"", b"\0", bytes(50), b"\xff" * 50, png_chunk(b"tEXt", b"a\0b")[:-4] + b"oops", PLAIN[-9:]):
        np.testing.assert_array_equal(decode(PLAIN[:-12] + rest, max_pixels=PIXELS), np.asarray(scene()))


def test_exif_may_stand_behind_the_pixels() -> None:
    behind = PLAIN[:-12] + png_chunk(b"eXIf", exif(6)[6:]) + PLAIN[-12:]
    assert decode(behind, max_pixels=PIXELS).shape == (64, 48, 3)


def test_data_in_many_chunks_is_one_stream() -> None:
    at = PLAIN.index(b"IDAT")
    length = int.from_bytes(PLAIN[at - 4 : at])
    data = PLAIN[at + 4 : at + 4 + length]
    for size in (1, 7, 1000):
        pieces = [png_chunk(b"IDAT", data[n : n + size]) for n in range(0, length, size)]
        body = PLAIN[: at - 4] + b"".join([*pieces, png_chunk(b"IDAT", b"")]) + PLAIN[at + 8 + length :]
        np.testing.assert_array_equal(decode(body, max_pixels=PIXELS), np.asarray(scene()))


@pytest.mark.parametrize("at", [20, 29])
def test_a_broken_header_is_an_error(at: int) -> None:
    body = bytearray(PLAIN)
    body[at] ^= 1
    with pytest.raises(DecodeError) as caught:
        decode(bytes(body), max_pixels=PIXELS)
    assert caught.value.status == "decode_error"


@pytest.mark.parametrize(
    ("colour", "depth", "samples"), [(0, 1, 1), (0, 8, 1), (2, 16, 3), (4, 8, 2), (6, 8, 4)]
)
def test_data_that_ends_before_the_last_row_is_cut_short(colour: int, depth: int, samples: int) -> None:
    row = b"\0" + bytes([255] * -(-21 * samples * depth // 8))
    for rows in (0, 1, 9):
        body = png(21, 10, (b"IDAT", zlib.compress(row * rows)), colour=colour, depth=depth)
        with pytest.raises(DecodeError) as caught:
            decode(body, max_pixels=PIXELS)
        assert caught.value.status == "decode_error"
    dark = b"\0" + bytes(len(row) - 1)
    whole = png(21, 10, (b"IDAT", zlib.compress(row * 9 + dark)), colour=colour, depth=depth)
    assert decode(whole, max_pixels=PIXELS).shape == (10, 21, 3)


@pytest.mark.parametrize("size", [(1, 1), (5, 1), (1, 5), (9, 8), (9, 9)])
@pytest.mark.parametrize("mode", ["1", "L", "RGBA"])
def test_an_interlaced_image_has_every_pass(size: tuple[int, int], mode: str) -> None:
    dark = vips(Image.new(mode, size), ".png", interlace=True)
    assert decode(dark, max_pixels=PIXELS).shape == (*size[::-1], 3)
    at = dark.index(b"IDAT")
    data = zlib.decompress(dark[at + 4 : at + 4 + int.from_bytes(dark[at - 4 : at])])
    for missing in (1, len(data) // 2):
        cut = dark[: at - 4] + png_chunk(b"IDAT", zlib.compress(data[:-missing])) + dark[-12:]
        with pytest.raises(DecodeError):
            decode(cut, max_pixels=PIXELS)


def test_alphas_before_their_palette_are_none() -> None:
    colours, alphas = (b"PLTE", bytes(range(1, 13))), (b"tRNS", bytes(4))
    rows = (b"IDAT", zlib.compress(b"\0\x1b" * 4))
    bare = decode(png(4, 4, colours, rows, colour=3, depth=2), max_pixels=PIXELS)
    before, behind = (
        decode(png(4, 4, *chunks, rows, colour=3, depth=2), max_pixels=PIXELS)
        for chunks in ((alphas, colours), (colours, alphas))
    )
    np.testing.assert_array_equal(before, bare)
    assert behind.min() == 255


def test_indices_without_a_palette_are_an_error() -> None:
    broken = png(4, 4, (b"IDAT", zlib.compress(b"\0\x1b" * 4)), colour=3, depth=2)
    with pytest.raises(DecodeError) as caught:
        decode(broken, max_pixels=PIXELS)
    assert caught.value.args == ("decode_error", "ValueError: no valid palette")


def test_a_broken_profile_leaves_the_colours_to_gamma() -> None:
    gamma = png_chunk(b"gAMA", (100_000).to_bytes(4))
    broken = png_chunk(b"iCCP", b"a\0\0" + zlib.compress(b"no profile" * 99))
    np.testing.assert_array_equal(
        decode(with_chunks(PLAIN, broken, gamma), max_pixels=PIXELS),
        decode(with_chunks(PLAIN, gamma), max_pixels=PIXELS),
    )
