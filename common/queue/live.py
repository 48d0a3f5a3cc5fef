"""Live state of a run in Redis: hints only, whose loss does no harm."""

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import dropwhile

import redis

BUCKET = 10
"""Seconds per bucket of the rate."""
WINDOW = 6
"""Full buckets that make up the rate."""
KEPT = BUCKET * WINDOW * 10


@dataclass(frozen=True, slots=True)
class Running:
    """A batch that a worker is running."""

    batch: str
    worker: str
    done: int
    total: int
    started: float


def run_prefix(run: str) -> str:
    """Prefix of the keys of one run."""
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
        """Mark batches as queued now: enqueued, or returned to the end of the queue."""
        now = time.time()
        self._client.zadd(self._queued, dict.fromkeys(batches, now))

    def forget_queued(self) -> None:
        self._client.delete(self._queued, self._running)

    def read_queued(self) -> dict[str, float]:
        """Time of queueing, in seconds since 1970, of each batch that is waiting or running."""
        marks = self._client.zrange(self._queued, 0, -1, withscores=True)
        return {str(mark[0]): float(mark[1]) for mark in marks}

    def read_queued_at(self, batch: str) -> float | None:
        """Time of queueing of a batch, in seconds since 1970."""
        at = self._client.zscore(self._queued, batch)
        return None if at is None else float(at)

    def count_queued(self) -> int:
        """Number of batches that `read_queued` returns."""
        return int(self._client.zcard(self._queued))

    def record_commit(self, batch: str, rows: Mapping[str, int]) -> None:
        """Count the rows of a shard that this worker committed."""
        pipeline = self._client.pipeline()
        pipeline.zrem(self._queued, batch)
        for status, count in rows.items():
            pipeline.hincrby(self._rows, status, count)
        pipeline.execute()

    def drop(self, batch: str) -> None:
        """Unmark a batch that leaves the queue without a commit of this worker."""
        self._client.zrem(self._queued, batch)

    def beat(self, running: Running, *, rows: int, ttl: float) -> None:
        """Publish progress: `rows` more rows since the last beat; expires after `ttl` seconds."""
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

    def end(self, batch: str) -> None:
        pipeline = self._client.pipeline()
        pipeline.zrem(self._running, batch)
        pipeline.delete(f"{self._running}:{batch}")
        pipeline.execute()

    def read_running(self) -> list[Running]:
        """Batches with a recent beat; that of a killed worker stays until it expires."""
        self._client.zremrangebyscore(self._running, 0, time.time())
        batches = [str(batch) for batch in self._client.zrange(self._running, 0, -1)]
        pipeline = self._client.pipeline()
        for batch in batches:
            pipeline.hgetall(f"{self._running}:{batch}")
        return [
            _parse_running(batch, fields)
            for batch, fields in zip(batches, pipeline.execute(), strict=True)
            if fields
        ]

    def read_rows_by_status(self) -> Counter[str]:
        """Rows of committed shards by status; counts may be lost."""
        return Counter(
            {str(status): int(count) for status, count in self._client.hgetall(self._rows).items()}
        )

    def read_rows_per_second(self) -> float:
        """Rate of all workers together over the last full minute."""
        current = int(time.time()) // BUCKET
        keys = [f"{self._rate}:{step}" for step in range(current - WINDOW, current)]
        counts = list(dropwhile(lambda count: count is None, self._client.mget(keys)))
        return sum(int(count or 0) for count in counts) / (BUCKET * len(counts)) if counts else 0.0


def _parse_running(batch: str, fields: Mapping[str, str]) -> Running:
    return Running(
        batch=batch,
        worker=fields["worker"],
        done=int(fields["done"]),
        total=int(fields["total"]),
        started=float(fields["started"]),
    )
