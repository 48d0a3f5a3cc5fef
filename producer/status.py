"""Status of a run: done batches from the output, the rest from the broker's hints."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from common.errors import FleetError
from common.queue.broker import broker_errors, connect
from common.queue.broker_url import BrokerError
from common.queue.live import LiveRun
from common.queue.waiting import waiting_batches
from common.run.batch_state import dead_batches, done_batches
from common.run.manifest import Batch, Run, read_parts, read_run
from common.settings import Settings
from common.store import Store


@dataclass(frozen=True, slots=True)
class Hints:
    """The broker's view of a run."""

    queued: frozenset[str]
    running: dict[str, int]
    rows_by_status: dict[str, int]
    rows_per_second: float


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

    @property
    def is_finished(self) -> bool:
        return self.batches.done + self.batches.dead == self.batches.total

    @property
    def is_incomplete(self) -> bool:
        """Whether an operator has to act."""
        return bool(self.batches.dead or self.batches.missing)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class StatusReader:
    """Reads the manifest once, and the state at each call."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """Raises FleetError if there is no run."""
        run = read_run(store)
        if run is None:
            raise FleetError(f"{store.uri}: there is no run here; enqueue one, or correct --output")
        self.run: Run = run
        self._store, self._settings = store, settings
        parts = read_parts(store)
        self._batches = {batch.id: batch for part in parts for batch in part.batches(run.batch_rows)}

    @property
    def rows(self) -> int:
        """Rows of the run in all."""
        return _rows(self._batches.values())

    def read(self) -> RunStatus:
        """The current state: one listing of the output, a few queries of the broker."""
        known = self._batches.keys()
        done = done_batches(self._store) & known
        dead = (dead_batches(self._store) & known) - done
        hints = self._hints()
        rows_done = _rows(self._batches[batch] for batch in done)
        rows = RowCounts(self.rows, rows_done, _by_status(hints, rows_done))
        return RunStatus(
            batches=_batch_counts(len(known), done, dead, hints),
            rows=rows,
            rows_per_second=None if hints is None else round(hints.rows_per_second, 2),
            eta_seconds=_eta(rows, _rows(self._batches[batch] for batch in dead), hints),
        )

    def _hints(self) -> Hints | None:
        url = self._settings.broker_url
        try:
            with broker_errors(url):
                client = connect(url)
                live = LiveRun(client, self._store.uri)
                running = {batch.batch: batch.done for batch in live.read_running()}
                waiting = waiting_batches(client, self._store.uri)
                return Hints(
                    frozenset(waiting), running, dict(live.read_rows_by_status()), live.read_rows_per_second()
                )
        except BrokerError:
            return None


def _rows(batches: Iterable[Batch]) -> int:
    return sum(batch.rows for batch in batches)


def _batch_counts(total: int, done: set[str], dead: set[str], hints: Hints | None) -> BatchCounts:
    if hints is None:
        unknown = None if len(done) + len(dead) < total else 0
        return BatchCounts(total, len(done), unknown, unknown, len(dead), unknown)
    running = hints.running.keys() - done - dead
    queued = hints.queued - done - dead - running
    missing = total - len(done) - len(dead) - len(running) - len(queued)
    return BatchCounts(total, len(done), len(queued), len(running), len(dead), missing)


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
    left = rows.total - rows.done - dead - sum(hints.running.values())
    return round(max(left, 0) / hints.rows_per_second, 1)
