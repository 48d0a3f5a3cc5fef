"""A hundred thousand bad URLs leave nothing behind."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.hostile import hostile_server, tricks
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetcher

URLS = 100_000
HEAVY = {
    "gzip-bomb",
    "head-of-a-megabyte",
    "endless-header",
    "endless-extension",
    "endless-extensions",
    "endless-behind",
    "hints-of-a-megabyte",
}  # for speed, not for memory


def bad_urls(port: int, count: int) -> Iterator[str]:
    """Quick tricks, dead names, dead ports, forbidden addresses and garbage, on 200 host names."""
    dice = random.Random(0)
    paths = [name for name, trick in tricks().items() if not trick.slow and name not in HEAVY]
    for n in range(count):
        kind = dice.random()
        if kind < 0.7:
            yield f"http://127.0.0.1:{port}/{dice.choice(paths)}"
        elif kind < 0.8:
            yield f"http://dead{n}.test/a.jpg"
        elif kind < 0.9:
            yield f"http://10.{n % 256}.0.1/a.jpg"
        else:
            yield dice.choice(
                ["http://", "file:///etc/passwd", "http://127.0.0.1:1/", "\x00", "http://0x7f.1/"]
            )


def resident_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


async def drain(fetcher: Fetcher, urls: Iterator[str], found: Counter[str]) -> None:
    for url in urls:
        found[(await fetcher.fetch(url)).status] += 1


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux: reads the memory from /proc")
async def test_memory_is_flat_over_a_hundred_thousand_bad_urls(fetching: Fetching) -> None:
    found: Counter[str] = Counter()
    resident = []
    with hostile_server() as port:
        async with fetching(
            per_host=64, max_bytes=100_000, retries=0, signs=("x-robots-tag:noai",)
        ) as fetcher:
            urls = bad_urls(port, URLS)
            for _ in range(10):
                piece = itertools.islice(urls, URLS // 10)
                await asyncio.gather(*(drain(fetcher, piece, found) for _ in range(64)))
                resident.append(resident_kib())
    print(dict(found), resident)
    assert sum(found.values()) == URLS
    assert found.keys() >= {"blocked", "dns_error", "connect_error", "too_large", "http_4xx", "opt_out", "ok"}
    assert resident[-1] - resident[1] < 20_000
