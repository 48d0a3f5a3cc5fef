"""What downloading costs: `python -m tests.benchmarks.fetch`.

Our fetcher beside aiohttp without a guard, both on uvloop, beside urllib in 64 threads (as img2dataset)
and, with --img2dataset PATH to its command in an environment of its own, beside itself. One server process
with synthetic images, every fifth URL a 404, a new connection for each, 256 loopback addresses; the columns
take turns in every round, the medians are printed as one JSON object. Trust CPU milliseconds and ratios.
"""

import argparse
import asyncio
import json
import resource
import ssl
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import aiohttp
import uvloop

from common.settings import FetchSettings
from tests.benchmarks.image_server import image_server, lookup, trusted, urls
from workers.batch import loop
from workers.fetch import Fetcher
from workers.fetch.resolver import Resolver

Column = Callable[[list[str]], int]
LATENCY = "[0.1, 0.3]"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--urls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--img2dataset", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_all(options, Path(folder)), indent=1))


def _all(options: argparse.Namespace, folder: Path) -> dict[str, object]:
    plain = {"ours": ours(256), "aiohttp": bare(256), "urllib": threads(64)}
    if options.img2dataset:
        plain["img2dataset"] = img2dataset(options.img2dataset, folder / "images")
    with image_server() as port:
        http = _measure(plain, urls(port, options.urls), options.rounds)
    with image_server("--tls", str(folder)) as port:
        tls = trusted(folder)
        secure = {"ours": ours(256, tls), "aiohttp": bare(256, tls)}
        https = _measure(secure, urls(port, options.urls, "https"), options.rounds)
    with image_server("--latency", LATENCY) as port:
        far = {
            f"{name}, {n} in flight": way(n)
            for n in (256, 1024)
            for name, way in (("ours", ours), ("aiohttp", bare))
        }
        far["urllib"] = threads(64)
        latency = _measure(far, urls(port, 3 * options.urls), options.rounds)
    return {"http": http, "https": https, f"latency {LATENCY} s": latency}


def _measure(columns: dict[str, Column], links: list[str], rounds: int) -> dict[str, dict[str, float]]:
    """Medians of CPU milliseconds a URL and URLs a second."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in columns}
    for _ in range(rounds):
        for name, column in columns.items():
            cpu, wall = _cpu(), time.perf_counter()
            found = column(links)
            seen[name].append((_cpu() - cpu, time.perf_counter() - wall))
            expected = sum(1 for n in range(len(links)) if n % 5)
            assert found == expected, f"{name}: {found} images instead of {expected}"
    return {name: _medians(runs, len(links)) for name, runs in seen.items()}


def _medians(runs: list[tuple[float, float]], count: int) -> dict[str, float]:
    cpu, wall = (statistics.median(column) for column in zip(*runs, strict=True))
    return {"cpu_ms": round(1000 * cpu / count, 3), "urls_per_second": round(count / wall)}


def _cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def ours(flight: int, tls: ssl.SSLContext | None = None) -> Column:
    settings = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", "per_host": 64, "timeout": 30})

    async def run(links: list[str]) -> int:
        async with Fetcher(settings, resolver=Resolver(lookup), tls=tls) as fetcher:

            async def some(left: Iterator[str]) -> int:
                return sum([(await fetcher.fetch(url)).body is not None for url in left])

            left = iter(links)
            return sum(await asyncio.gather(*(some(left) for _ in range(flight))))

    return lambda links: loop.run(run(links))


def bare(flight: int, tls: ssl.SSLContext | None = None) -> Column:
    async def run(links: list[str]) -> int:
        connector = aiohttp.TCPConnector(
            limit=0, force_close=True, ssl=tls or True, resolver=Resolver(lookup)
        )
        async with aiohttp.ClientSession(connector=connector) as session:

            async def some(left: Iterator[str]) -> int:
                found = 0
                for url in left:
                    async with session.get(url) as response:
                        found += bool(response.ok and await response.read())
                return found

            left = iter(links)
            return sum(await asyncio.gather(*(some(left) for _ in range(flight))))

    return lambda links: uvloop.run(run(links))


def threads(count: int) -> Column:
    def one(url: str) -> bool:
        try:
            with urlopen(url, timeout=10) as response:
                return bool(response.read())
        except HTTPError:
            return False

    def run(links: list[str]) -> int:
        with ThreadPoolExecutor(count) as pool:
            return sum(pool.map(one, links))

    return run


def img2dataset(command: Path, folder: Path) -> Column:
    """Without re-encoding; its start-up is part of it."""

    def run(links: list[str]) -> int:
        runs = len(list(folder.parent.glob("images*")))
        listed, output = folder.parent / "urls.txt", folder.with_name(f"images{runs}")
        listed.write_text("\n".join(links))
        arguments = f"--url_list {listed} --output_folder {output} --processes_count 1 --thread_count 64"
        arguments += " --resize_mode no --disable_all_reencoding True --output_format files --retries 0"
        subprocess.run([command, *arguments.split()], check=True, capture_output=True)
        return len(list(output.glob("*/*.jpg")))

    return run


if __name__ == "__main__":
    main()
