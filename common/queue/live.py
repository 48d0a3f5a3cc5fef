"""Live state of a run in Redis: hints only, whose loss does no harm."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import dropwhile

import redis

BUCKET = 10
"""Seconds per bucket of the rate."""
WINDOW = 6
"""Full buckets that make up the rate."""
KEPT = BUCKET * WINDOW * 10
LEFT_KEPT = 100_000
"""Entries kept of the stream of departures, for repeated looks."""
SCAN = 10_000


@dataclass(frozen=True, slots=True)
class Running:
    """A batch that a worker is running."""

    batch: str
    worker: str
    done: int
    total: int
    started: float


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in the marks of queued batches between two looks.

    Args:
        position: up to which the batches that left were read; the next look begins there.
        at: time of this look on Redis' clock.
        left: batches that left the queue.
        marked: batches that were marked, with their times.
        count: marks in all.
    """

    position: str
    at: float
    left: list[str]
    marked: dict[str, float]
    count: int


def redis_time(client: redis.Redis) -> float:
    """Seconds since 1970 on Redis' own clock: marks of different machines are compared with one another."""
    seconds, microseconds = client.time()
    return int(seconds) + int(microseconds) / 1e6


def run_prefix(run: str) -> str:
    """Prefix of the keys of one run."""
    return f"fleet:{hashlib.sha256(run.encode()).hexdigest()[:16]}"


def read_marks(client: redis.Redis, batches: Iterable[tuple[str, str]]) -> list[float | None]:
    """Time of queueing of batches of any runs, in seconds since 1970; None where there is no mark."""
    pipeline = client.pipeline()
    for run, batch in batches:
        pipeline.zscore(_queued_key(run), batch)
    return [None if at is None else float(at) for at in pipeline.execute()]


def _queued_key(run: str) -> str:
    return f"{run_prefix(run)}:queued"


class LiveRun:
    """Queued batches, running batches, rows by status and rows per second of one run."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client = client
        prefix = run_prefix(run)
        self._queued = _queued_key(run)
        self._left = f"{prefix}:left"
        self._running = f"{prefix}:running"
        self._rows = f"{prefix}:rows"
        self._rate = f"{prefix}:rate"

    def mark_queued(self, batches: Iterable[str]) -> None:
        """Mark batches as queued now: enqueued, or returned to the end of the queue."""
        self._client.zadd(self._queued, dict.fromkeys(batches, redis_time(self._client)))

    def forget_queued(self) -> None:
        self._client.delete(self._queued, self._left, self._running)

    def scan_queued(self) -> Iterator[tuple[str, float]]:
        """Each mark and its time, without holding all of them at once; a mark may come twice."""
        for batch, at in self._client.zscan_iter(self._queued, count=SCAN):
            yield str(batch), float(at)

    def read_position(self) -> str:
        """The position of the last batch that left the queue, for `read_changes`."""
        last = self._client.xrevrange(self._left, count=1)
        return str(last[0][0]) if last else "0-0"

    def read_changes(self, position: str, since: float) -> Changes:
        """Changes after `position` in the queue's departures, and since a time in its marks."""
        pipeline = self._client.pipeline()  # one transaction, so that the count belongs to the rest
        pipeline.xrange(self._left, min=f"({position}")
        pipeline.zrangebyscore(self._queued, since, "+inf", withscores=True)
        pipeline.zcard(self._queued)
        pipeline.time()
        left, marked, count, (seconds, microseconds) = pipeline.execute()
        return Changes(
            position=str(left[-1][0]) if left else position,
            at=int(seconds) + int(microseconds) / 1e6,
            left=[str(fields["batch"]) for _, fields in left],
            marked={str(batch): float(at) for batch, at in marked},
            count=int(count),
        )

    def read_queued(self) -> dict[str, float]:
        """Time of queueing, in seconds since 1970, of each batch that is waiting or running."""
        marks = self._client.zrange(self._queued, 0, -1, withscores=True)
        return {str(mark[0]): float(mark[1]) for mark in marks}

    def count_queued(self) -> int:
        """Number of batches that `read_queued` returns."""
        return int(self._client.zcard(self._queued))

    def record_commit(self, batch: str, rows: Mapping[str, int]) -> None:
        """Count the rows of a shard that this worker committed."""
        pipeline = self._client.pipeline()
        self._leave(pipeline, batch)
        for status, count in rows.items():
            pipeline.hincrby(self._rows, status, count)
        pipeline.execute()

    def drop(self, *batches: str) -> None:
        """Unmark batches that leave the queue without a commit of this worker."""
        pipeline = self._client.pipeline()
        for batch in batches:
            self._leave(pipeline, batch)
        pipeline.execute()

    def _leave(self, pipeline: redis.client.Pipeline, batch: str) -> None:
        pipeline.zrem(self._queued, batch)
        pipeline.xadd(self._left, {"batch": batch}, maxlen=LEFT_KEPT, approximate=True)

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
        current = int(redis_time(self._client)) // BUCKET
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
