"""Workers in Redis: heartbeats, finished batches, consecutive failures.

All times are those of Redis' clock, since workers' clocks differ.
"""

import redis

SEEN_KEPT = 86_400
"""Seconds after which a silent worker is forgotten."""

FAILING_AFTER = 3
"""Different batches in a row whose failure shows that the worker, not the batch, is to blame."""

_SEEN = "fleet:workers"  # sorted set: worker by the time of its last heartbeat
_FINISHED = "fleet:workers:finished"  # sorted set: worker by the time of its last finished batch


class Workers:
    """State of the workers; hints only, whose loss does no harm."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def beat(self, worker: str, seconds: int) -> None:
        """Record a heartbeat, valid for `seconds`."""
        now = self._now()
        pipeline = self._client.pipeline()
        pipeline.set(_alive(worker), 1, ex=seconds)
        pipeline.zadd(_SEEN, {worker: now})
        pipeline.zremrangebyscore(_SEEN, 0, now - SEEN_KEPT)
        pipeline.zremrangebyscore(_FINISHED, 0, now - SEEN_KEPT)
        pipeline.execute()

    def leave(self, worker: str) -> None:
        """The worker ends in order: it is neither alive nor seen any longer."""
        pipeline = self._client.pipeline()
        pipeline.delete(_alive(worker))
        pipeline.zrem(_SEEN, worker)
        pipeline.execute()

    def is_alive(self, worker: str) -> bool:
        """Whether the last heartbeat is still valid."""
        return bool(self._client.exists(_alive(worker)))

    def count_seen(self, seconds: float) -> int:
        """Workers with a heartbeat in the last `seconds`."""
        return int(self._client.zcount(_SEEN, self._now() - seconds, "+inf"))

    def record_finish(self, worker: str) -> None:
        """The worker finished a batch: it can work, and its earlier failures were not its own."""
        pipeline = self._client.pipeline()
        pipeline.zadd(_FINISHED, {worker: self._now()})
        pipeline.delete(_failed_key(worker))
        pipeline.execute()

    def record_failure(self, worker: str, batch: str) -> bool:
        """The worker failed on a batch; whether its last three different batches all failed."""
        pipeline = self._client.pipeline()
        pipeline.sadd(_failed_key(worker), batch)
        pipeline.expire(_failed_key(worker), SEEN_KEPT)
        pipeline.scard(_failed_key(worker))
        return int(pipeline.execute()[-1]) >= FAILING_AFTER

    def count_finishers(self, workers: set[str]) -> int:
        """How many of these have finished a batch since their start."""
        scores = self._client.zmscore(_FINISHED, list(workers)) if workers else []
        return sum(score is not None for score in scores)

    def has_finisher(self) -> bool:
        """Whether any worker has finished a batch."""
        return bool(self._client.zcard(_FINISHED))

    def _now(self) -> float:
        seconds, microseconds = self._client.time()
        return float(seconds) + float(microseconds) / 1e6


def _alive(worker: str) -> str:
    return f"fleet:worker:{worker}"


def _failed_key(worker: str) -> str:
    return f"fleet:worker:{worker}:failed"
