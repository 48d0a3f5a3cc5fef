"""Fetching with few descriptors, in a process apart.

`python -m tests.workers.fetch.short_of_descriptors LIMIT LEFT SECONDS URL...` takes all but LEFT descriptors
for SECONDS, fetches meanwhile, and prints the statuses as JSON.
"""

import asyncio
import json
import os
import resource
import sys
from collections import Counter

import uvloop

from common.errors import FleetError
from common.settings import FetchSettings
from workers.fetch import Fetcher, flight


async def main(limit: int, left: int, seconds: float, urls: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit // 2, limit))
    settings = FetchSettings.model_validate(
        {"allow_networks": "127.0.0.0/8", "concurrency": 500, "per_host": 500, "retries": 0, "timeout": 3}
    )
    async with Fetcher(settings) as fetcher:
        taken = take_all_but(left) if seconds else []
        asyncio.get_running_loop().call_later(seconds, give_back, taken)
        try:
            fetched = await asyncio.gather(*map(fetcher.fetch, urls))
        except FleetError as error:
            sys.stdout.write(json.dumps(str(error)))
        else:
            sys.stdout.write(json.dumps(Counter(f"{f.status} {f.error}" for f in fetched)))


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


if __name__ == "__main__":
    flight.PATIENCE = float(os.environ.get("PATIENCE", flight.PATIENCE))
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]))
