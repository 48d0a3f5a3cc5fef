"""Marks of a run's queued batches in Redis: hints only, whose loss does no harm."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import redis

from common.queue.redis_clock import redis_time
from common.queue.run_keys import run_prefix

LEFT_KEPT = 100_000
"""Entries kept of the stream of departures, for repeated looks."""
SCAN = 10_000


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


def read_marks(client: redis.Redis, batches: Iterable[tuple[str, str]]) -> list[float | None]:
    """Time of queueing of batches of any runs, in seconds since 1970; None where there is no mark."""
    pipeline = client.pipeline()
    for run, batch in batches:
        pipeline.zscore(_queued_key(run), batch)
    return [None if at is None else float(at) for at in pipeline.execute()]


def _queued_key(run: str) -> str:
    return f"{run_prefix(run)}:queued"


class QueuedBatches:
    """The batches of one run that are waiting or running, each with its time of queueing."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client = client
        self._queued = _queued_key(run)
        self._left = f"{run_prefix(run)}:left"

    def mark(self, batches: Iterable[str]) -> None:
        """Mark batches as queued now: enqueued, or returned to the end of the queue."""
        self._client.zadd(self._queued, dict.fromkeys(batches, redis_time(self._client)))

    def forget(self) -> None:
        """Delete all marks."""
        self._client.delete(self._queued, self._left)

    def scan(self) -> Iterator[tuple[str, float]]:
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
            left=[str(fields.get("batch")) for _, fields in left],
            marked={str(batch): float(at) for batch, at in marked},
            count=int(count),
        )

    def read(self) -> dict[str, float]:
        """Time of queueing, in seconds since 1970, of each batch that is waiting or running."""
        marks = self._client.zrange(self._queued, 0, -1, withscores=True)
        return {str(mark[0]): float(mark[1]) for mark in marks}

    def count(self) -> int:
        """Number of batches that `read` returns."""
        return int(self._client.zcard(self._queued))

    def drop(self, *batches: str) -> None:
        """Unmark batches that leave the queue without a commit of this worker."""
        pipeline = self._client.pipeline()
        for batch in batches:
            self.leave(pipeline, batch)
        pipeline.execute()

    def leave(self, pipeline: redis.client.Pipeline, batch: str) -> None:
        """Unmark a batch together with other commands."""
        pipeline.zrem(self._queued, batch)
        pipeline.xadd(self._left, {"batch": batch}, maxlen=LEFT_KEPT, approximate=True)
