"""Worker processes that fetch one URL many times: forks of one that has imported the fetcher."""

import asyncio
import multiprocessing
from collections import Counter
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from typing import Any

from common.settings import FetchSettings, MannersSettings
from workers.fetch import Fetcher
from workers.fetch.host import lease_of
from workers.manners.redis_shared import RedisShared

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


class Worker:
    """A process that makes so many downloads, with these settings of the fetcher."""

    def __init__(self, redis: str, url: str, downloads: int, **settings: Any) -> None:
        self._answer, sender = FORKS.Pipe(duplex=False)
        arguments = (sender, redis, url, downloads, settings)
        self.process: ForkServerProcess = FORKS.Process(target=answer, args=arguments)
        self.process.start()
        sender.close()

    async def outcomes(self) -> Counter[str]:
        """The statuses of its downloads."""
        found: Counter[str] = await asyncio.to_thread(self._answer.recv)
        await asyncio.to_thread(self.process.join)
        return found


def answer(sender: Connection, redis: str, url: str, downloads: int, settings: dict[str, Any]) -> None:
    options = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", **settings})
    sender.send(asyncio.run(crowd(redis, url, downloads, options)))


async def crowd(redis: str, url: str, downloads: int, settings: FetchSettings) -> Counter[str]:
    shared = RedisShared(redis, lease_of(settings.timeout))
    async with Fetcher(settings, MannersSettings(signs=()), shared=shared) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(url) for _ in range(downloads)))
    return Counter(f"{one.status} {one.error or ''}".strip() for one in fetched)
