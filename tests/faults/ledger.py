"""What a storm cost: every second a worker spent on a batch, as the web server saw it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.faults.site import Attempt

STILL_ITS = 1.0
"""Seconds after its last image in which a batch may still be unwritten; more where the machine was busy."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One fault that ends what a worker is doing."""

    kind: str
    worker: str
    at: float

    def struck(self, attempt: Attempt, still: float = STILL_ITS) -> bool:
        """Whether this may have ended the attempt, unwritten for `still` seconds after its last image.

        A stopping worker may have been handed a message just before: it gives that back, too.
        """
        ended = attempt.ended or float("inf")
        had_begun = attempt.began <= self.at or self.kind == "sigterm"
        return attempt.worker == self.worker and had_begun and self.at <= ended + still


@dataclass(frozen=True, slots=True)
class Cost:
    """Worker time in seconds, and starts.

    Args:
        useful: of the attempts that wrote the shards.
        unavoidable: of attempts that a kill ended.
        avoidable: of all others; somebody ran a batch that somebody else ran, too.
        wasted_starts: attempts that wrote no shard.
        repeats: those of them that no kill explains.
    """

    useful: float
    unavoidable: float
    avoidable: float
    wasted_starts: int
    repeats: int

    @property
    def ratio(self) -> float | None:
        """Wasted time by what the kills made unavoidable."""
        return (self.unavoidable + self.avoidable) / self.unavoidable if self.unavoidable else None


def cost(attempts: Sequence[Attempt], kills: Sequence[Kill], written: Mapping[str, float]) -> Cost:
    """Add up a storm.

    Args:
        attempts: all of them, ended.
        kills: all of them.
        written: when each batch's shard appeared.
    """
    by_worker = defaultdict(list)
    for kill in kills:
        by_worker[kill.worker].append(kill)
    useful = _useful(attempts, written)
    wasted = [attempt for attempt in attempts if id(attempt) not in useful]
    still = _longest_writing(attempts, useful, written)
    struck = [one for one in wasted if any(kill.struck(one, still) for kill in by_worker[one.worker])]
    return Cost(
        useful=_seconds(one for one in attempts if id(one) in useful),
        unavoidable=_seconds(struck),
        avoidable=_seconds(wasted) - _seconds(struck),
        wasted_starts=len(wasted),
        repeats=len(wasted) - len(struck),
    )


def _useful(attempts: Sequence[Attempt], written: Mapping[str, float]) -> set[int]:
    """Identities of the attempts that wrote: of each batch the last that was answered before its shard."""
    last: dict[str, Attempt] = {}
    for one in attempts:
        if one.answered and one.ended is not None and one.ended <= written.get(one.batch, 0.0):
            before = last.get(one.batch)
            if before is None or (before.ended or 0.0) < one.ended:
                last[one.batch] = one
    return {id(one) for one in last.values()}


def _longest_writing(attempts: Sequence[Attempt], useful: set[int], written: Mapping[str, float]) -> float:
    """Seconds from the last image to the shard, of the slowest attempt that wrote one."""
    writing = (written[one.batch] - one.ended for one in attempts if id(one) in useful and one.ended)
    return max(writing, default=0.0) + STILL_ITS


def _seconds(attempts: Iterable[Attempt]) -> float:
    return sum((one.ended or one.began) - one.began for one in attempts)


def recoveries(attempts: Sequence[Attempt], kills: Sequence[Kill], until: float) -> dict[str, list[float]]:
    """By kind of kill: seconds until work went on, as far as it did before the time `until`.

    After a worker's end, until the batch that it was at is begun again: it is served next. After a child's,
    until its worker begins a batch again: the child's own goes to the end of the queue, behind all others.
    """
    by_batch, by_worker = defaultdict(list), defaultdict(list)
    for one in attempts:
        by_batch[one.batch].append(one)
        by_worker[one.worker].append(one)
    found: dict[str, list[float]] = defaultdict(list)
    for kill in kills:
        for one in by_worker[kill.worker]:
            if kill.at >= one.began and (one.ended or until) >= kill.at and not one.answered:
                again = by_worker[kill.worker] if kill.kind == "child" else by_batch[one.batch]
                later = [next_one.began for next_one in again if kill.at < next_one.began < until]
                found[kill.kind] += [min(later) - kill.at] if later else []
    return dict(found)


def summary(seconds: Sequence[float]) -> dict[str, float]:
    """How many, the median and the longest."""
    if not seconds:
        return {"count": 0}
    return {"count": len(seconds), "p50": round(median(seconds), 2), "max": round(max(seconds), 2)}
