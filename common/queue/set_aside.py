"""Messages that were rejected, kept for an operator to inspect."""

import redis

from common.queue.message import QUEUE

SET_ASIDE = f"{QUEUE}.set-aside"
SET_ASIDE_KEPT = 1000


def set_aside(client: redis.Redis, body: str) -> None:
    """Keep a rejected message for an operator to inspect; the latest thousand stay."""
    pipeline = client.pipeline()
    pipeline.lpush(SET_ASIDE, body)
    pipeline.ltrim(SET_ASIDE, 0, SET_ASIDE_KEPT - 1)
    pipeline.execute()
