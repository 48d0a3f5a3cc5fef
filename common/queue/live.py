"""What is known of a run between two shards: a hint in Redis, lost without harm."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import dropwhile

import redis

BUCKET = 10
"""Seconds of one step of the rate."""
WINDOW = 6
"""Full steps that make a rate."""
KEPT = BUCKET * WINDOW * 10


@dataclass(frozen=True, slots=True)
class Running:
    """A batch in some worker's hands."""

    batch: str
    worker: str
    done: int
    total: int
    started: float


def run_prefix(run: str) -> str:
    """What the keys of one run begin with."""
    return f"fleet:{hashlib.sha256(run.encode()).hexdigest()[:16]}"


class LiveRun:
    """Queued batches, running batches, rows by status and rows per second of one run."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client = client
        prefix = run_prefix(run)
        self._queued = f"{prefix}:queued"
        self._running = f"{prefix}:running"
        self._rows = f"{prefix}:rows"
        self._rate = f"{prefix}:rate"

    def mark_queued(self, batches: Iterable[str]) -> None:
        """Note that these are in the queue from now on: enqueued, or put back to its end."""
        now = time.time()
        self._client.zadd(self._queued, dict.fromkeys(batches, now))

    def forget_queued(self) -> None:
        self._client.delete(self._queued, self._running)

    def queued(self) -> dict[str, float]:
        """Batches that were enqueued and have not been committed, waiting or running, with their times."""
        marks = self._client.zrange(self._queued, 0, -1, withscores=True)
        return {str(mark[0]): float(mark[1]) for mark in marks}

    def queued_at(self, batch: str) -> float | None:
        """When a batch was queued, in seconds since 1970."""
        at = self._client.zscore(self._queued, batch)
        return None if at is None else float(at)

    def queued_count(self) -> int:
        """How many batches `queued` would name."""
        return int(self._client.zcard(self._queued))

    def committed(self, batch: str, rows: Mapping[str, int]) -> None:
        """Count a shard that this worker was first to write."""
        pipeline = self._client.pipeline()
        pipeline.zrem(self._queued, batch)
        for status, count in rows.items():
            pipeline.hincrby(self._rows, status, count)
        pipeline.execute()

    def dropped(self, batch: str) -> None:
        """A batch left the queue without a shard of this worker's: it was there already."""
        self._client.zrem(self._queued, batch)

    def beat(self, running: Running, *, rows: int, ttl: float) -> None:
        """Show that a batch is being worked on, and `rows` more of it done since the last beat."""
        now = time.time()
        key = f"{self._running}:{running.batch}"
        bucket = f"{self._rate}:{int(now) // BUCKET}"
        pipeline = self._client.pipeline()
        pipeline.zadd(self._running, {running.batch: now + ttl})
        pipeline.hset(
            key,
            mapping={
                "worker": running.worker,
                "done": running.done,
                "total": running.total,
                "started": running.started,
            },
        )
        pipeline.expire(key, int(ttl) + 1)
        pipeline.incrby(bucket, rows)
        pipeline.expire(bucket, KEPT)
        pipeline.execute()

    def ended(self, batch: str) -> None:
        pipeline = self._client.pipeline()
        pipeline.zrem(self._running, batch)
        pipeline.delete(f"{self._running}:{batch}")
        pipeline.execute()

    def running(self) -> list[Running]:
        """Batches whose worker gave a sign of life; one that was killed stays until its time runs out."""
        self._client.zremrangebyscore(self._running, 0, time.time())
        batches = [str(batch) for batch in self._client.zrange(self._running, 0, -1)]
        pipeline = self._client.pipeline()
        for batch in batches:
            pipeline.hgetall(f"{self._running}:{batch}")
        return [
            _running(batch, fields)
            for batch, fields in zip(batches, pipeline.execute(), strict=True)
            if fields
        ]

    def rows_by_status(self) -> Counter[str]:
        """Rows of committed shards by status, as far as they were counted."""
        return Counter(
            {str(status): int(count) for status, count in self._client.hgetall(self._rows).items()}
        )

    def rows_per_second(self) -> float:
        """Rows done in the last full minute, in all workers together."""
        current = int(time.time()) // BUCKET
        keys = [f"{self._rate}:{step}" for step in range(current - WINDOW, current)]
        counts = list(dropwhile(lambda count: count is None, self._client.mget(keys)))
        return sum(int(count or 0) for count in counts) / (BUCKET * len(counts)) if counts else 0.0


def _running(batch: str, fields: Mapping[str, str]) -> Running:
    return Running(
        batch=batch,
        worker=fields["worker"],
        done=int(fields["done"]),
        total=int(fields["total"]),
        started=float(fields["started"]),
    )
