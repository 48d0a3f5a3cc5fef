"""Decoding has a budget: nothing that a body may be holds a thread of the worker."""

import resource
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache

import numpy as np
import pytest

from common.settings import DecodeSettings
from tests.workers.decode.corpus import encode, noise
from tests.workers.decode.slow import COUNTED, LABORIOUS
from workers.decode.decoder import QUICK, Decoder
from workers.decode.error import DecodeError, SlowImageError
from workers.decode.here import decode_here

PIXELS = 50_000_000
GOOD = encode(noise(40), "PNG")


@cache
def laborious(name: str) -> bytes:
    return LABORIOUS[name]()


@pytest.mark.parametrize("name", COUNTED)
def test_structure_is_counted_before_it_is_decoded(name: str) -> None:
    body = COUNTED[name]()
    began = time.thread_time()
    with suppress(DecodeError, SlowImageError):  # refused, or given to a process
        assert decode_here(body, max_pixels=PIXELS, seconds=QUICK).size < 3000
    assert time.thread_time() - began < QUICK


@pytest.mark.parametrize("name", LABORIOUS)
def test_a_thread_gives_slow_work_away(name: str) -> None:
    body = laborious(name)
    began = time.thread_time()
    with pytest.raises(SlowImageError):
        decode_here(body, max_pixels=PIXELS, seconds=0.2)
    assert time.thread_time() - began < 1.2


@pytest.mark.parametrize("name", LABORIOUS)
def test_slow_work_ends_with_its_time(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.decode.decoder.QUICK", 0.01)  # how a thread gives it away is seen above
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with Decoder(DecodeSettings(seconds=0.2)) as decoder:
        with pytest.raises(DecodeError) as caught:
            decoder.decode(laborious(name), max_pixels=PIXELS)
        assert caught.value.args == ("decode_error", "too slow: more than 0.2 s")
        np.testing.assert_array_equal(decoder.decode(GOOD, max_pixels=PIXELS), np.asarray(noise(40)))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


def test_slow_images_are_decoded_where_there_is_time() -> None:
    with Decoder(DecodeSettings()) as decoder:
        pixels = decoder.decode(laborious("webp, 49 megapixels"), max_pixels=PIXELS)
    assert pixels.shape == (7000, 7000, 3)


def test_the_slow_images_of_a_batch_share_a_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    page = encode(noise(40), "TIFF")  # never decoded in a thread
    with Decoder(DecodeSettings(batch_seconds=0.01)) as decoder:
        with monkeypatch.context() as patch:
            patch.setattr("workers.decode.decoder.ORDINARY", 0.0)
            np.testing.assert_array_equal(decoder.decode(page, max_pixels=PIXELS), np.asarray(noise(40)))
        with pytest.raises(DecodeError) as caught:
            decoder.decode(page, max_pixels=PIXELS)
        assert caught.value.status == "decode_error"
        assert caught.value.detail.startswith("too slow: ")
        np.testing.assert_array_equal(decoder.decode(GOOD, max_pixels=PIXELS), np.asarray(noise(40)))


def test_few_slow_images_are_decoded_at_once() -> None:
    pages = [encode(noise(40, seed), "TIFF") for seed in range(16)]
    with Decoder(DecodeSettings()) as decoder, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda body: decoder.decode(body, max_pixels=PIXELS), pages))
        assert decoder._isolated._idle.qsize() <= 2
    for seed, pixels in enumerate(found):
        np.testing.assert_array_equal(pixels, np.asarray(noise(40, seed)))


def test_memory_is_bounded() -> None:
    with Decoder(DecodeSettings(), isolate=True) as decoder:
        decoder._isolated._arguments = ("10", "50000000", "1")
        with pytest.raises(DecodeError) as caught:
            decoder.decode(laborious("webp, 49 megapixels"), max_pixels=PIXELS)
    assert caught.value.status in {"decode_error", "decode_crash"}
