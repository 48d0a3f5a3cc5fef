"""The work that `tests.benchmarks.beside` gives to two versions: only what both have is imported.

Reads orders as JSON lines and answers each with CPU milliseconds of one image or URL.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from common.settings import FetchSettings
from tests.benchmarks.decode import CASCADE
from workers.batch import loop
from workers.decode.decoder import decode
from workers.fetch import Fetcher

MAX_PIXELS = 50_000_000
IN_FLIGHT = 256


def main() -> None:
    torch.set_num_threads(1)
    for line in sys.stdin:
        order = json.loads(line)
        spent = decode_all(order) if "images" in order else loop.run(fetch_all(order))
        sys.stdout.write(f"{spent}\n")
        sys.stdout.flush()


def decode_all(order: Mapping[str, Any]) -> float:
    bodies = [path.read_bytes() for path in sorted(Path(order["images"]).iterdir())]
    began = time.process_time()
    for body in bodies:
        pixels = decode(body, max_pixels=MAX_PIXELS)
        for preprocessing in CASCADE[: order["inputs"]]:
            preprocessing.resize(pixels)
    return 1000 * (time.process_time() - began) / len(bodies)


async def fetch_all(order: Mapping[str, Any]) -> float:
    settings = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", "per_host": 64, "timeout": 30})
    async with Fetcher(settings, *_manners(order["signs"])) as fetcher:
        await _fetch(fetcher, order["first"])
        began = time.process_time()
        found = await _fetch(fetcher, order["links"])
        spent = time.process_time() - began
    assert found > len(order["links"]) // 2
    return 1000 * spent / len(order["links"])


async def _fetch(fetcher: Fetcher, links: list[str]) -> int:
    async def some(left: Iterator[str]) -> int:
        return sum([(await fetcher.fetch(url)).body is not None for url in left])

    left = iter(links)
    return sum(await asyncio.gather(*(some(left) for _ in range(IN_FLIGHT))))


def _manners(signs: str) -> list[Any]:
    """The second argument of a fetcher that has one."""
    try:
        from common.settings import MannersSettings  # noqa: PLC0415 - version 0.1 has none
    except ImportError:
        return []
    return [MannersSettings.model_validate({"signs": signs})]


if __name__ == "__main__":
    main()
