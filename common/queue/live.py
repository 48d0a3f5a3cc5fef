"""Progress of a run in Redis: hints only, whose loss does no harm."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import dropwhile

import redis

from common.queue.numbers import parse_count, parse_time
from common.queue.queued_batches import QueuedBatches
from common.queue.redis_clock import redis_time
from common.queue.run_keys import run_prefix

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


class LiveRun:
    """Running batches, rows by status and rows per second of one run."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client = client
        self._queued = QueuedBatches(client, run)
        prefix = run_prefix(run)
        self._running = f"{prefix}:running"
        self._rows = f"{prefix}:rows"
        self._rate = f"{prefix}:rate"

    def record_commit(self, batch: str, rows: Mapping[str, int]) -> None:
        """Count the rows of a shard that this worker committed; its batch leaves the queue."""
        pipeline = self._client.pipeline()
        self._queued.leave(pipeline, batch)
        for status, count in rows.items():
            pipeline.hincrby(self._rows, status, count)
        pipeline.execute()

    def forget_running(self) -> None:
        """Delete the list of running batches: their workers are known to be gone."""
        self._client.delete(self._running)

    def beat(self, running: Running, *, rows: int, ttl: float) -> None:
        """Publish progress: `rows` more rows since the last beat; expires after `ttl` seconds."""
        now = redis_time(self._client)
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
        self._client.zremrangebyscore(self._running, 0, redis_time(self._client))
        batches = [str(batch) for batch in self._client.zrange(self._running, 0, -1)]
        pipeline = self._client.pipeline()
        for batch in batches:
            pipeline.hgetall(f"{self._running}:{batch}")
        return [
            running
            for batch, fields in zip(batches, pipeline.execute(), strict=True)
            if (running := _parse_running(batch, fields)) is not None
        ]

    def read_rows_by_status(self) -> Counter[str]:
        """Rows of committed shards by status; counts may be lost."""
        fields = self._client.hgetall(self._rows).items()
        return Counter({str(status): parse_count(count) or 0 for status, count in fields})

    def read_rows_per_second(self) -> float:
        """Rate of all workers together over the last full minute."""
        current = int(redis_time(self._client)) // BUCKET
        keys = [f"{self._rate}:{step}" for step in range(current - WINDOW, current)]
        counts = list(dropwhile(lambda count: count is None, self._client.mget(keys)))
        return sum(parse_count(count) or 0 for count in counts) / (BUCKET * len(counts)) if counts else 0.0


def _parse_running(batch: str, fields: Mapping[str, str]) -> Running | None:
    """None where it has ended meanwhile, or a stranger wrote it."""
    worker, started = fields.get("worker"), parse_time(fields.get("started"))
    done, total = parse_count(fields.get("done")), parse_count(fields.get("total"))
    if worker is None or started is None or done is None or total is None:
        return None
    return Running(batch, worker, done, total, started)
