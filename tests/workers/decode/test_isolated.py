"""Decoding in disposable processes."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workers.decode.corpus import FORMATS, encode, jpeg_of_size, noise
from tests.workers.decode.mutate import mutations
from workers.decode import isolated
from workers.decode.decoder import decode
from workers.decode.error import DecodeError
from workers.decode.isolated import IsolatedDecoder

MAX_PIXELS = 50_000_000
GOOD = encode(noise(40), "PNG")


def slow_image() -> bytes:
    """Some seconds of work: many scans of many pixels."""
    body = jpeg_of_size(7000, 7000, progressive=True)
    scan = body[body.rindex(b"\xff\xda") : -2]
    return body[:-2] + scan * 80 + b"\xff\xd9"


def crash(decoder: IsolatedDecoder, body: bytes) -> str:
    with pytest.raises(DecodeError) as caught:
        decoder.decode(body, max_pixels=MAX_PIXELS)
    assert caught.value.status == "decode_crash"
    return caught.value.detail


def test_pixels_and_errors_are_those_of_the_worker() -> None:
    with IsolatedDecoder(seconds=60) as decoder:
        for kind in FORMATS:
            body = encode(noise(300), kind)
            pixels = decoder.decode(body, max_pixels=MAX_PIXELS)
            np.testing.assert_array_equal(pixels, decode(body, max_pixels=MAX_PIXELS))
            assert pixels.flags.writeable
        for bad, pixels_allowed in ((b"no image", 100), (GOOD[:-50], 10_000), (GOOD, 100)):
            with pytest.raises(DecodeError) as here:
                decode(bad, max_pixels=pixels_allowed)
            with pytest.raises(DecodeError) as there:
                decoder.decode(bad, max_pixels=pixels_allowed)
            assert here.value.args == there.value.args
        assert decoder._idle.qsize() == 1


def test_too_long_a_time_is_an_error_and_the_next_image_is_decoded() -> None:
    with IsolatedDecoder(seconds=0.1) as decoder:
        with pytest.raises(DecodeError) as caught:
            decoder.decode(slow_image(), max_pixels=MAX_PIXELS)
        assert caught.value.args == ("decode_error", "too slow: more than 0.1 s")
        assert decoder._idle.empty()
        assert decoder.decode(GOOD, max_pixels=MAX_PIXELS).shape == (40, 40, 3)


def test_too_much_memory_is_a_status() -> None:
    body = encode(Image.new("RGB", (6000, 6000)), "PNG")
    with IsolatedDecoder(seconds=60, memory=50_000_000) as decoder:
        with pytest.raises(DecodeError) as caught:
            decoder.decode(body, max_pixels=MAX_PIXELS)
        assert caught.value.status in {"decode_error", "decode_crash"}
        assert decoder.decode(GOOD, max_pixels=MAX_PIXELS).shape == (40, 40, 3)


@pytest.mark.parametrize("deadly", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_an_image_that_kills_its_decoder_is_the_culprit_alone(deadly: signal.Signals) -> None:
    with IsolatedDecoder(seconds=60) as decoder:
        decoder.decode(GOOD, max_pixels=MAX_PIXELS)
        server = decoder._idle.queue[0]._process.pid
        killer = threading.Thread(target=kill_child, args=(server, deadly))
        killer.start()
        assert crash(decoder, slow_image()) == f"decoder process: {deadly.name}"
        killer.join()
        assert decoder.decode(GOOD, max_pixels=MAX_PIXELS).shape == (40, 40, 3)


def kill_child(parent: int, deadly: signal.Signals) -> None:
    children = Path(f"/proc/{parent}/task/{parent}/children")
    while not (found := children.read_text().split()):
        time.sleep(0.001)
    os.kill(int(found[0]), deadly)


def test_the_death_of_the_server_itself_is_a_crash_and_another_is_started() -> None:
    with IsolatedDecoder(seconds=60) as decoder:
        decoder.decode(GOOD, max_pixels=MAX_PIXELS)
        server = decoder._idle.queue[0]._process
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert crash(decoder, GOOD).startswith("decoder process: ")
        assert decoder.decode(GOOD, max_pixels=MAX_PIXELS).shape == (40, 40, 3)


def test_threads_have_servers_of_their_own() -> None:
    bodies = [encode(noise(40, seed), "PNG") for seed in range(40)]
    with IsolatedDecoder(seconds=60) as decoder, ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda body: decoder.decode(body, max_pixels=MAX_PIXELS), bodies))
        assert 1 <= decoder._idle.qsize() <= 3
    for seed, pixels in enumerate(found):
        np.testing.assert_array_equal(pixels, np.asarray(noise(40, seed)))


def test_mutations_are_a_status_there_too() -> None:
    found: Counter[str] = Counter()
    with IsolatedDecoder(seconds=60) as decoder:
        for body in mutations(200, seed=2):
            try:
                decoder.decode(body, max_pixels=MAX_PIXELS)
                found["ok"] += 1
            except DecodeError as error:
                found[error.status] += 1
        assert decoder._idle.qsize() == 1
    assert found["decode_crash"] == 0
    assert found.total() == 200


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xff\xff\xff" + b"x" * 20_000,
        b"\x02\0\0\0[]",
        b"\x16\0\0\0" + b'{"shape":[999999,9999]}'[:22],
        b"\x12\0\0\0" + b'{"shape":[-1, -1]}',
        b"\x12\0\0\0" + b'{"status":"great"}',
        b"\x11\0\0\0" + b'{"shape":[9, 9]}\n' + b"short",
        b"\x10\0\0\0" + b'{"shape":"no"}\n\n',
    ],
)
def test_a_server_that_was_taken_over_is_not_believed(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    script = f"import os; os.write(1, {answer!r})"
    monkeypatch.setattr(isolated, "COMMAND", (sys.executable, "-c", script))
    with IsolatedDecoder(seconds=60) as decoder:
        assert crash(decoder, GOOD).startswith("decoder process: ")
        assert decoder._idle.empty()


def test_it_finds_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with IsolatedDecoder(seconds=60) as decoder:
        decoder.decode(GOOD, max_pixels=MAX_PIXELS)
        server = decoder._idle.queue[0]._process.pid
        assert b"secret" not in Path(f"/proc/{server}/environ").read_bytes()
