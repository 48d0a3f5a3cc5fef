"""The state of a run in figures: done batches are those in the output, the rest is by the broker's hints."""

from dataclasses import asdict, dataclass
from typing import Any

from common.queue.last_return import Return
from producer.broker_watch import Hints
from producer.host_watch import HostsNow


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """Batches by state; None is unknown."""

    total: int
    done: int
    queued: int | None
    running: int | None
    dead: int
    missing: int | None


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows in all, in shards, and by status."""

    total: int
    done: int
    by_status: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class RunStatus:
    """The answer of `producer status`."""

    batches: BatchCounts
    rows: RowCounts
    rows_per_second: float | None
    eta_seconds: float | None
    last_return: Return | None
    hosts: HostsNow | None = None

    @property
    def is_finished(self) -> bool:
        return self.batches.done + self.batches.dead == self.batches.total

    @property
    def is_incomplete(self) -> bool:
        """Whether an operator has to act."""
        return bool(self.batches.dead or self.batches.missing)

    def to_json(self) -> dict[str, Any]:
        """The contract's fields, and `last_return` and `hosts` where there are any."""
        fields = asdict(self)
        for name in ("last_return", "hosts"):
            if fields[name] is None:
                del fields[name]
        return fields


def count_batches(total: int, done: int, dead: int, hints: Hints | None) -> BatchCounts:
    """Disjoint sets of batches of the run; the rest is missing, never negative."""
    settled = done | dead
    if hints is None:
        unknown = None if settled.bit_count() < total else 0
        return BatchCounts(total, done.bit_count(), unknown, unknown, dead.bit_count(), unknown)
    running = hints.running & ~settled
    queued = hints.queued & ~settled & ~running
    missing = total - (settled | running | queued).bit_count()
    return BatchCounts(
        total, done.bit_count(), queued.bit_count(), running.bit_count(), dead.bit_count(), missing
    )


def rows_by_status(hints: Hints | None, rows_done: int) -> dict[str, int] | None:
    """The live counts, or None if some were lost."""
    if hints is None or sum(hints.rows_by_status.values()) < rows_done:
        return None
    return dict(sorted(hints.rows_by_status.items()))


def seconds_left(rows: RowCounts, dead: int, hints: Hints | None) -> float | None:
    """Until every row is done or `dead`, at the rate of now; None where that is not known."""
    if rows.done + dead == rows.total:
        return 0.0
    if hints is None or not hints.rows_per_second:
        return None
    left = rows.total - rows.done - dead - hints.rows_running
    return round(max(left, 0) / hints.rows_per_second, 1)
