"""A worker process that fetches one URL many times: `python -m tests.workers.manners.crowd`.

Arguments: the Redis, the URL, how many downloads, settings of the fetcher as JSON. It prints the statuses.
"""

import asyncio
import json
import sys
from collections import Counter

from common.settings import FetchSettings, MannersSettings
from workers.fetch import Fetcher
from workers.fetch.host import lease_of
from workers.manners.redis_shared import RedisShared


async def crowd(redis: str, url: str, downloads: int, settings: FetchSettings) -> Counter[str]:
    shared = RedisShared(redis, lease_of(settings.timeout))
    async with Fetcher(settings, MannersSettings(signs=()), shared=shared) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(url) for _ in range(downloads)))
    return Counter(f"{one.status} {one.error or ''}".strip() for one in fetched)


if __name__ == "__main__":
    options = FetchSettings.model_validate({"allow_networks": "127.0.0.0/8", **json.loads(sys.argv[4])})
    print(json.dumps(asyncio.run(crowd(sys.argv[1], sys.argv[2], int(sys.argv[3]), options))))
