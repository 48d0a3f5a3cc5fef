"""Whatever the bytes are, decoding ends in an image or in one status."""

import json
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.workers.decode.corpus import (
    BOMBS,
    FORMATS,
    METADATA_BOMBS,
    POLYGLOTS,
    encode,
    jpeg_of_size,
    noise,
)
from tests.workers.decode.mutate import mutations
from tests.workers.decode.samples import samples
from workers.decode.decoder import decode
from workers.decode.error import DecodeError, SlowImageError
from workers.decode.here import decode_here
from workers.decode.sniff import sniff

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")  # as the decoder does
MAX_PIXELS = 50_000_000
STATUSES = {"ok", "not_an_image", "decode_error", "image_too_large"}


def outcome(body: bytes) -> str:
    try:
        pixels = decode(body, max_pixels=MAX_PIXELS)
    except DecodeError as error:
        detail, status = error.detail, error.status
        assert detail.isprintable()
        assert 0 < len(detail) <= 200
        return status
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.size <= 3 * MAX_PIXELS
    return "ok"


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_by_their_header(name: str) -> None:
    body = BOMBS[name]()
    tracemalloc.start()
    assert outcome(body) == "image_too_large"
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(body) + 1_000_000


@pytest.mark.parametrize("name", METADATA_BOMBS)
def test_metadata_does_no_harm(name: str) -> None:
    body = METADATA_BOMBS[name]()
    started = time.monotonic()
    assert outcome(body) in {"ok", "decode_error"}
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", POLYGLOTS)
def test_polyglots(name: str) -> None:
    first, *_ = name.split(" ")
    found = outcome(POLYGLOTS[name]())
    if "then" in name and first.upper() in FORMATS:
        assert found == "ok"  # what follows the image is ignored
    elif "in" in name.split(" ") or name == "gif as script":
        assert found in {"decode_error", "image_too_large"}
    else:
        assert found == "not_an_image"


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("side", [64, 200])
def test_truncation_at_every_percent(kind: str, side: int) -> None:
    body = encode(noise(side), kind)
    cuts = [len(body) * percent // 100 for percent in range(1, 100)]
    assert Counter(outcome(body[:cut]) for cut in cuts) == {"decode_error": 99}


@pytest.mark.parametrize("kind", FORMATS)
def test_every_bit_of_the_header_flipped(kind: str) -> None:
    body = encode(noise(16), kind)
    for at in range(min(len(body), 120)):
        for bit in range(8):
            flipped = bytearray(body)
            flipped[at] ^= 1 << bit
            assert outcome(bytes(flipped)) in STATUSES


def test_ten_thousand_frames_cost_one(tmp_path: object) -> None:
    frames = [Image.new("P", (16, 16), n % 2) for n in range(10_000)]
    body = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10, optimize=False)
    started = time.process_time()
    assert outcome(body) == "ok"
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("size", [(50_000_000, 1), (1, 65_000), (65_000, 1)])
def test_stripes(size: tuple[int, int]) -> None:
    assert outcome(encode(Image.new("L", size), "PNG")) == "ok"


def test_scans_are_bounded() -> None:
    started = time.process_time()
    body = jpeg_of_size(7000, 7000, progressive=True)
    scan = body[body.rindex(b"\xff\xda") : -2]
    assert outcome(body[:-2] + scan * 80 + b"\xff\xd9") in STATUSES
    assert outcome(body[:-2] + scan * 8000 + b"\xff\xd9") == "decode_error"
    assert time.process_time() - started < 20


APART = {"TIFF", "AVIF"}
"""Formats that are always decoded in a process that can be ended."""


def test_twenty_thousand_mutations_in_this_process() -> None:
    small = [body for body in samples().values() if len(body) < 2000 and sniff(body) not in APART]
    found = Counter(map(_outcome_here, mutations(20_000, sources=small)))
    assert found.keys() <= STATUSES | {"for another process"}
    assert min(found["ok"], found["decode_error"]) > 1000


def _outcome_here(body: bytes) -> str:
    try:
        decode_here(body, max_pixels=1_000_000, seconds=1)
    except DecodeError as error:
        return error.status
    except SlowImageError:
        return "for another process"
    return "ok"


def test_mutations_of_formats_that_are_decoded_apart() -> None:
    apart = [body for body in samples().values() if sniff(body) in APART]
    assert set(Counter(map(outcome, mutations(150, sources=apart)))) <= STATUSES


@pytest.mark.soak
@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("P", "GIF"), ("RGBA", "WEBP")],
)
def test_the_largest_image_allowed_takes_less_than_a_gigabyte(mode: str, kind: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {} if kind == "GIF" else {"exif": exif.tobytes()}
    side = int(MAX_PIXELS**0.5)
    (tmp_path / "body").write_bytes(encode(Image.new(mode, (side, side)), kind, **options))
    command = [sys.executable, "-c", PEAK, str(tmp_path / "body"), str(MAX_PIXELS)]
    peak = int(subprocess.run(command, check=True, capture_output=True).stdout)
    print(mode, kind, peak // 1_000_000, "MB")
    assert peak < 1_000_000_000


PEAK = """
import sys
from tests.peak import peak_bytes
from workers.decode.decoder import decode
decode(open(sys.argv[1], "rb").read(), max_pixels=int(sys.argv[2]))
print(peak_bytes())
"""


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1, 101))
def test_a_million_mutations(seed: int) -> None:
    command = [sys.executable, "-m", "tests.workers.decode.mutate", str(seed), "10000"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    print(found)
    assert set(found["statuses"]) <= STATUSES | {"too slow"}  # above all no decode_crash
    assert sum(found["statuses"].values()) == 10_000
    assert found["statuses"]["ok"] > 1000
    assert found["statuses"]["decode_error"] > 1000
    assert found["peak"] < 400_000_000
