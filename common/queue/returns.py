"""How often a message went back to the queue: one that comes back for ever is a fault of its own."""

import hashlib

import redis

KEPT = 7 * 24 * 3600
"""Seconds after its last return for which a message is remembered: longer than any pause."""

LONE = 50
"""So many returns by workers that have only failures to show count as one: an outage is nobody's fault."""


class Returns:
    """The returns of one message, whose delivery tag stays the same while it goes round.

    Args:
        client: of the broker.
        delivery_tag: of the message.
    """

    def __init__(self, client: redis.Redis, delivery_tag: str) -> None:
        self._client = client
        self._key = f"fleet:returned:{hashlib.sha256(str(delivery_tag).encode()).hexdigest()[:32]}"

    def count(self, *, by_proven: bool) -> int:
        """Count a return.

        Args:
            by_proven: by a worker that had ended another batch well just before.

        Returns:
            All returns, those by other workers as 1 / `LONE`.
        """
        pipeline = self._client.pipeline()
        pipeline.incrby(self._key, LONE if by_proven else 1)
        pipeline.expire(self._key, KEPT)
        return int(pipeline.execute()[0]) // LONE
