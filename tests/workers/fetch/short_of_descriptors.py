"""Fetching with few descriptors, in a process apart."""

import asyncio
import os
import resource
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import uvloop

from common.errors import FleetError
from common.settings import FetchSettings
from workers.fetch import Fetcher, flight

Outcome = Counter[str] | str
"""The statuses, or why the batch goes back."""


def fetch_short(
    urls: Sequence[str], log: Path, *, limit: int, left: int, seconds: float, patience: float
) -> Outcome:
    """Fetch while all but `left` of `limit` descriptors are taken for `seconds`; `log` is what it prints."""
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit // 2, limit))
    flight.PATIENCE = patience
    return uvloop.run(_fetch_short(urls, left, seconds))


async def _fetch_short(urls: Sequence[str], left: int, seconds: float) -> Outcome:
    settings = FetchSettings.model_validate(
        {"allow_networks": "127.0.0.0/8", "concurrency": 500, "per_host": 500, "retries": 0, "timeout": 3}
    )
    async with Fetcher(settings) as fetcher:
        taken = take_all_but(left) if seconds else []
        asyncio.get_running_loop().call_later(seconds, give_back, taken)
        try:
            fetched = await asyncio.gather(*map(fetcher.fetch, urls))
        except FleetError as error:
            return str(error)
        return Counter(f"{f.status} {f.error}" for f in fetched)


def give_back(taken: list[int]) -> None:
    for each in taken:
        os.close(each)


def take_all_but(left: int) -> list[int]:
    taken: list[int] = []
    try:
        while True:
            taken.append(os.dup(0))
    except OSError:
        for _ in range(left):
            os.close(taken.pop())
    return taken
