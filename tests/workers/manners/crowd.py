"""A worker that fetches one URL many times."""

import asyncio
from collections import Counter
from typing import Any

from common.settings import FetchSettings, MannersSettings
from workers.fetch import Fetcher
from workers.fetch.host import lease_of
from workers.manners import redis_shared
from workers.manners.redis_shared import RedisShared

PATIENT = {"timeout": 60, "connect_timeout": 30, "read_timeout": 30}
"""A busy machine is neither a slow host nor a Redis that is away."""


def fetch_many(redis: str, url: str, downloads: int, **settings: Any) -> Counter[str]:
    """The statuses of so many downloads, with these settings of the fetcher."""
    options = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", **PATIENT, **settings})
    redis_shared.TIMEOUT = PATIENT["timeout"]
    return asyncio.run(_fetch_many(redis, url, downloads, options))


async def _fetch_many(redis: str, url: str, downloads: int, settings: FetchSettings) -> Counter[str]:
    shared = RedisShared(redis, lease_of(settings.timeout))
    async with Fetcher(settings, MannersSettings(signs=()), shared=shared) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(url) for _ in range(downloads)))
    return Counter(f"{one.status} {one.error or ''}".strip() for one in fetched)
