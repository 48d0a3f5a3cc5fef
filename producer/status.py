"""Status of a run: done batches from the output, the rest from the broker's hints."""

from dataclasses import asdict, dataclass
from typing import Any

from common.errors import FleetError
from common.queue.last_return import Return
from common.run.manifest import Run, read_run, stream_parts
from common.run.numbering import Numbering
from common.settings import Settings
from common.store import Store
from producer.broker_watch import BrokerWatch, Hints
from producer.host_watch import HostsNow, read_hosts
from producer.part_groups import group_parts
from producer.shard_watch import FailureWatch, ShardWatch

FEW = 1000
"""Parts that one page of a listing shows: so many are looked for at each look."""


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


class StatusReader:
    """Reads manifest, output and broker at the first look, and changes at later ones."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Raises FleetError if there is no run."""
        run = read_run(store)
        if run is None:
            raise FleetError(f"{store.uri}: there is no run here; enqueue one, or correct --output")
        self.run: Run = run
        self._store, self._settings = store, settings
        self._numbering = Numbering([], run.batch_rows)
        groups = group_parts(self._numbering)
        self._shards = ShardWatch(store, self._numbering, groups)
        self._failures = FailureWatch(store, self._numbering, groups)
        self._broker = BrokerWatch(settings.broker_url, store.uri, self._numbering)
        self._find_parts()

    @property
    def rows(self) -> int:
        """Rows of the run in all."""
        return self._numbering.rows(self._numbering.all)

    def read(self) -> RunStatus:
        """The current state.

        The broker comes first: a batch that ends meanwhile is done, and one that is queued has its part.
        """
        hints = self._broker.look()
        grows = self._numbering.part_count < FEW or (hints is not None and hints.strangers)
        if grows and self._find_parts():
            hints = self._broker.look()
        changed = hints.left if hints else 0
        done = self._shards.look(changed)
        state = self._state(done, self._failures.look(changed) & ~done, hints)
        return self.read() if state.is_finished and self._find_parts() else state

    def _find_parts(self) -> bool:
        """Whether the run has got parts since the last look."""
        before = self._numbering.part_count
        for part in stream_parts(self._store, list(self._numbering.part_ids)):
            self._numbering.add(part.id, part.rows)
        if self._numbering.part_count > before:
            groups = group_parts(self._numbering)
            self._shards.regroup(groups)
            self._failures.regroup(groups)
        return self._numbering.part_count > before

    def _state(self, done: int, dead: int, hints: Hints | None) -> RunStatus:
        numbering = self._numbering
        rows_done = numbering.rows(done)
        rows = RowCounts(self.rows, rows_done, _by_status(hints, rows_done))
        return RunStatus(
            batches=_batch_counts(numbering.total, done, dead, hints),
            rows=rows,
            rows_per_second=None if hints is None else round(hints.rows_per_second, 2),
            eta_seconds=_eta(rows, numbering.rows(dead), hints),
            last_return=None if hints is None else hints.last_return,
            hosts=None if hints is None else read_hosts(self._settings),
        )


def _batch_counts(total: int, done: int, dead: int, hints: Hints | None) -> BatchCounts:
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


def _by_status(hints: Hints | None, rows_done: int) -> dict[str, int] | None:
    """The live counts, or None if some were lost."""
    if hints is None or sum(hints.rows_by_status.values()) < rows_done:
        return None
    return dict(sorted(hints.rows_by_status.items()))


def _eta(rows: RowCounts, dead: int, hints: Hints | None) -> float | None:
    if rows.done + dead == rows.total:
        return 0.0
    if hints is None or not hints.rows_per_second:
        return None
    left = rows.total - rows.done - dead - hints.rows_running
    return round(max(left, 0) / hints.rows_per_second, 1)
