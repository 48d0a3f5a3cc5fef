"""Reading the status of a run: manifest, output and broker, at the first look and at later ones."""

from common.errors import FleetError
from common.run.manifest import Run, read_run, stream_parts
from common.run.numbering import Numbering
from common.settings import Settings
from common.store import Store
from producer.broker_watch import BrokerWatch, Hints
from producer.host_watch import read_hosts
from producer.part_groups import group_parts
from producer.run_status import RowCounts, RunStatus, count_batches, rows_by_status, seconds_left
from producer.shard_watch import FailureWatch, ShardWatch

FEW = 1000
"""Parts that one page of a listing shows: so many are looked for at each look."""


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
        rows = RowCounts(self.rows, rows_done, rows_by_status(hints, rows_done))
        return RunStatus(
            batches=count_batches(numbering.total, done, dead, hints),
            rows=rows,
            rows_per_second=None if hints is None else round(hints.rows_per_second, 2),
            eta_seconds=seconds_left(rows, numbering.rows(dead), hints),
            last_return=None if hints is None else hints.last_return,
            hosts=None if hints is None else read_hosts(self._settings),
        )
