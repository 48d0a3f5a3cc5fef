"""Messages that were rejected, kept for an operator to inspect."""

import redis

from common.queue.message import QUEUE

SET_ASIDE = f"{QUEUE}.set-aside"
SET_ASIDE_KEPT = 1000
LONGEST = 20_000
"""Bytes of each: what strangers write may be half a gigabyte, and the broker is to live."""


def set_aside(client: redis.Redis, body: str) -> None:
    """Keep the beginning of a rejected message for an operator to inspect; the latest thousand stay."""
    pipeline = client.pipeline()
    pipeline.lpush(SET_ASIDE, body[:LONGEST].encode(errors="backslashreplace")[:LONGEST])
    pipeline.ltrim(SET_ASIDE, 0, SET_ASIDE_KEPT - 1)
    pipeline.execute()
