"""Block lists: by bytes, and by near copies of pixels; nothing tells which entry matched."""

import hashlib
import io
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from common.deny.block_list import read_block_list
from common.errors import FleetError
from common.run.status import Status
from common.settings import FilterSettings
from workers.batch.blocked import Blocked
from workers.batch.pdq import PdqIndex
from workers.fetch.failure import Failure


@pytest.fixture
def pdqhash() -> Any:
    """The library, where somebody has installed it: no wheel of it fits, so that it takes a C++ compiler."""
    return pytest.importorskip(
        "pdqhash", reason="compiled where it is installed: pip install 'pdqhash>=0.2.8'"
    )


def blocked(*files: str) -> Blocked:
    return Blocked(FilterSettings(block_files=files))


def write(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def scene(seed: int = 3) -> Image.Image:
    """A picture of many shades, whose hash has quality."""
    noise = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), np.uint8)
    return Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC)


def test_bytes_are_found_by_either_digest(tmp_path: Path) -> None:
    first, second, free = b"first", b"second", b"free"
    lists = blocked(
        write(
            tmp_path / "a.txt",
            "# a list",
            hashlib.sha256(first).hexdigest().upper(),
            "",
            f"{hashlib.md5(second).hexdigest()} # remark",
        ),
        write(tmp_path / "b.txt", f"{'0' * 64},another column"),
    )
    for body in (first, second):
        with pytest.raises(Failure) as failed:
            lists.require_free_bytes(body, hashlib.sha256(body).hexdigest())
        assert (failed.value.status, failed.value.detail) == (Status.FILTERED, "block list")
    lists.require_free_bytes(free, hashlib.sha256(free).hexdigest())


def test_a_near_copy_is_found_by_its_pixels(tmp_path: Path, pdqhash: Any) -> None:
    bits, _ = pdqhash.compute(np.asarray(scene().resize((512, 384))))
    lists = blocked("pdq=" + write(tmp_path / "pdq.txt", np.packbits(bits.astype(np.uint8)).tobytes().hex()))
    packed = io.BytesIO()
    scene().resize((300, 225)).save(packed, "JPEG", quality=60)
    with pytest.raises(Failure, match="block list"):
        lists.require_free_pixels(np.asarray(Image.open(packed).convert("RGB")))
    lists.require_free_pixels(np.asarray(scene(4)))
    lists.require_free_pixels(np.zeros((400, 400, 3), np.uint8))


@pytest.mark.usefixtures("pdqhash")
def test_no_hash_within_31_bits_is_missed_and_none_beyond_is_found() -> None:
    chance = random.Random(5)
    listed = [chance.randbytes(32) for _ in range(2_000)]
    index = PdqIndex(b"".join(listed))
    for distance, expected in ((0, True), (1, True), (31, True), (32, False), (60, False)):
        for entry in chance.sample(listed, 20):
            turned = int.from_bytes(entry, "big")
            for bit in chance.sample(range(256), distance):
                turned ^= 1 << bit
            assert index.has_near(turned.to_bytes(32, "big")) is expected


def test_a_list_is_known_by_its_digest_whatever_the_order_of_its_lines(tmp_path: Path) -> None:
    entries = [hashlib.sha256(bytes((n,))).hexdigest() for n in range(9)]
    forth = read_block_list([write(tmp_path / "a", *entries)]).digest
    back = read_block_list([write(tmp_path / "b", *reversed(entries))]).digest
    assert forth == back != read_block_list([write(tmp_path / "c", *entries[:8])]).digest
    assert blocked().digest is None


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a", hashlib.sha256(b"x").hexdigest())
    assert len(read_block_list([path]).sha256) == 1
    write(tmp_path / "a", hashlib.sha256(b"x").hexdigest(), hashlib.sha256(b"y").hexdigest())
    assert len(read_block_list([path]).sha256) == 2


@pytest.mark.parametrize("line", ["abc", "x" * 64, "0" * 63, "0" * 128, "http://example.com/"])
def test_what_is_no_hash_is_an_error_that_does_not_show_it(tmp_path: Path, line: str) -> None:
    with pytest.raises(FleetError, match=r"a, line 2: no MD5 or SHA-256") as failed:
        read_block_list([write(tmp_path / "a", "0" * 64, line)])
    assert line not in str(failed.value)
    with pytest.raises(FleetError, match="line 1"):
        read_block_list(["pdq=" + write(tmp_path / "b", "0" * 32)])
    with pytest.raises(FleetError, match="names files of hashes"):
        read_block_list([str(tmp_path / "none")])


@pytest.mark.usefixtures("pdqhash")
def test_many_entries_are_quick_to_ask() -> None:
    chance = random.Random(1)
    index = PdqIndex(chance.randbytes(32 * 100_000))
    began = time.process_time()
    for _ in range(100):
        index.has_near(chance.randbytes(32))
    assert time.process_time() - began < 2
