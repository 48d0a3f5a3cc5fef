"""What manners cost: `python -m tests.benchmarks.manners`.

Downloads where each row has a host of its own: without manners, with the fleet's budgets, with every sign and
a cache of sites that knows nothing, and one that knows all. What Redis sees of 100 workers (`manners_redis`).
And decoding with and without the walk over an image's metadata. Ways take turns in every round; CPU seconds
are this process' own, medians are printed as one JSON object.
"""

import argparse
import asyncio
import hashlib
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from common.settings import FetchSettings, MannersSettings
from common.signs import ALL, Honoured
from tests.benchmarks.decode import CASCADE, MAX_PIXELS, Pixels
from tests.benchmarks.image_server import image_server
from tests.benchmarks.images import draw_images
from tests.benchmarks.manners_redis import measure_redis
from tests.servers.valkey import Valkey, valkey
from tests.workers.fetch.signs.images import XMP, mining, segment
from workers.batch import loop
from workers.decode.decoder import decode
from workers.fetch import Fetcher
from workers.fetch.host import lease_of
from workers.fetch.signs.image import find_image_sign
from workers.manners.redis_shared import RedisShared

FLIGHT = 256
HONOURED = Honoured()
SETTINGS = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", "timeout": 30})
WARM = "all signs, sites known"
COLD = "all signs, sites unknown"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--urls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, valkey(Path(folder), "--appendonly", "yes") as server:
        with image_server("--polite") as port:
            fetched = _fetch_all(server, _urls(port, options.urls), options.rounds)
        redis = asyncio.run(measure_redis(server, options.workers))
    print(json.dumps({"fetch": fetched, "redis": redis, "decode": _decode_all(options)}, indent=1))


def _urls(port: int, count: int) -> list[str]:
    """Each of another host; no fifth one, which is missing."""
    return [
        f"http://127.{1 + n // 65025}.{1 + n // 255 % 255}.{n % 255}:{port}/{5 * n + 1}.jpg"
        for n in range(count)
    ]


def _fetch_all(server: Valkey, links: list[str], rounds: int) -> dict[str, dict[str, float]]:
    ways: dict[str, tuple[bool, tuple[str, ...]]] = {
        "without manners": (False, ()),
        "budgets": (True, ()),
        COLD: (True, (ALL,)),
        WARM: (True, (ALL,)),
    }
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, (is_shared, signs) in ways.items():
            if name != WARM:
                server.client().flushall()
            cpu, wall = time.process_time(), time.perf_counter()
            loop.run(_fetch(server if is_shared else None, signs, links))
            seen[name].append((time.process_time() - cpu, time.perf_counter() - wall))
    return {name: _medians(found, len(links)) for name, found in seen.items()}


def _medians(runs: list[tuple[float, float]], count: int) -> dict[str, float]:
    cpu, wall = (statistics.median(column) for column in zip(*runs, strict=True))
    return {"cpu_ms": round(1000 * cpu / count, 3), "urls_per_second": round(count / wall)}


async def _fetch(server: Valkey | None, signs: tuple[str, ...], links: list[str]) -> None:
    shared = RedisShared(server.url, lease_of(SETTINGS.timeout)) if server else None
    async with Fetcher(SETTINGS, MannersSettings(signs=signs), shared=shared) as fetcher:
        await fetcher.prepare(links)

        async def some(left: Iterator[str]) -> None:
            for url in left:
                fetched = await fetcher.fetch(url)
                assert fetched.body, fetched

        left = iter(links)
        await asyncio.gather(*(some(left) for _ in range(FLIGHT)))


def _decode_all(options: argparse.Namespace) -> dict[str, float]:
    """One image in ten has a packet of XMP, none a sign."""
    bodies = [_tag(body, number) for number, body in enumerate(draw_images(options.images))]
    walks = [sum(_cpu(_walk, body) for body in bodies) for _ in range(2 * options.rounds)]
    return {
        "walk_us": round(1e6 * statistics.median(walks) / len(bodies), 1),
        "decode": _times(_decode, bodies, options.rounds),
        "digest, decode and resize": _times(_prepare, bodies, options.rounds),
    }


def _times(way: Callable[[bytes], object], bodies: list[bytes], rounds: int) -> float:
    """Its cost behind the walk, over its cost alone: each image both ways, the first one in turns."""

    def behind(body: bytes) -> None:
        _walk(body)
        way(body)

    ratios = []
    for turn in range(2 * rounds):
        seconds = {way: 0.0, behind: 0.0}
        for number, body in enumerate(bodies):
            for one in (way, behind) if (turn + number) % 2 else (behind, way):
                seconds[one] += _cpu(one, body)
        ratios.append(seconds[behind] / seconds[way])
    return round(statistics.median(ratios), 4)


def _walk(body: bytes) -> None:
    assert find_image_sign(body, HONOURED) is None


def _decode(body: bytes) -> Pixels:
    return decode(body, max_pixels=MAX_PIXELS)


def _prepare(body: bytes) -> None:
    hashlib.sha256(body).hexdigest()
    pixels = _decode(body)
    for preprocessing in CASCADE:
        preprocessing.resize(pixels)


def _cpu(way: Callable[[bytes], object], body: bytes) -> float:
    before = time.process_time()
    way(body)
    return time.process_time() - before


def _tag(body: bytes, number: int) -> bytes:
    if number % 10 or not body.startswith(b"\xff\xd8"):
        return body
    return body[:2] + segment(0xE1, XMP + mining("DMI-ALLOWED")) + body[2:]


if __name__ == "__main__":
    main()
