"""The broker as probes see it."""

import redis

from common.queue.broker import connect_once
from common.queue.message import QUEUE


class BrokerView:
    """The broker as probes see it: one try each, no wait while it is away."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_away(self) -> bool:
        """Whether it does not answer now, or is still loading its data."""
        return self._length() is None

    def has_waiting(self) -> bool:
        """Whether the queue is known to hold messages."""
        return bool(self._length())

    def _length(self) -> int | None:
        with connect_once(self._url) as client:
            try:
                return int(client.llen(QUEUE))
            except redis.RedisError:
                return None
