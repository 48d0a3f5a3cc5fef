"""The full audit of a run: every row once, every shard readable, counts and provenance consistent."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from common.console.progress import progress
from common.errors import FleetError
from common.run.batch_state import dead_batches, done_batches
from common.run.failure_record import read_failure
from common.run.manifest import PARTS, Batch, Run, read_part, read_run
from common.store import Store
from producer.audit import ShardAudit, audit_shard

READERS = 8


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of `producer verify`; `problems` has one line per fault."""

    rows_expected: int
    rows_found: int
    duplicates: int
    bad_shards: int
    by_status: dict[str, int]
    problems: list[str]

    @property
    def is_clean(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def verify(store: Store) -> Verdict:
    """Read every shard of the run.

    Raises:
        FleetError: there is no run here, or its `run.json` is damaged.
        StoreError: the store cannot be reached.
    """
    run = read_run(store)
    if run is None:
        raise FleetError(f"{store.uri}: there is no run here; correct --output")
    problems: list[str] = []
    batches = {batch.id: batch for batch in _plan_batches(store, run, problems.append)}
    done, dead = done_batches(store), dead_batches(store)
    audits = _audit(store, run, [batches[batch] for batch in sorted(done & batches.keys())])
    problems += [f"batch {audit.batch}: {problem}" for audit in audits for problem in audit.problems]
    problems += [
        f"batch {batch}: {_describe_death(store, batch)}" for batch in sorted(dead & batches.keys() - done)
    ]
    problems += [f"batch {batch}: missing" for batch in sorted(batches.keys() - done - dead)]
    problems += [f"shard {batch}: belongs to no batch of the run" for batch in sorted(done - batches.keys())]
    return Verdict(
        rows_expected=sum(batch.rows for batch in batches.values()),
        rows_found=sum(audit.rows for audit in audits),
        duplicates=sum(audit.duplicates for audit in audits),
        bad_shards=sum(bool(audit.problems) for audit in audits) + len(done - batches.keys()),
        by_status=dict(sorted(sum((audit.by_status for audit in audits), Counter()).items())),
        problems=problems,
    )


def _plan_batches(store: Store, run: Run, complain: Callable[[str], None]) -> list[Batch]:
    batches: list[Batch] = []
    for entry in sorted(store.list(PARTS), key=lambda entry: entry.key):
        name = entry.key.removeprefix(f"{PARTS}/").removesuffix(".json")
        try:
            part = read_part(store, name)
        except FleetError as error:
            complain(f"part {name}: {error}")
        else:
            batches += [] if part is None else part.batches(run.batch_rows)
    return batches


def _audit(store: Store, run: Run, batches: list[Batch]) -> list[ShardAudit]:
    with progress("reading shards", len(batches)) as advance, ThreadPoolExecutor(READERS) as pool:
        audits = []
        for audit in pool.map(lambda batch: audit_shard(store, run, batch), batches):
            audits.append(audit)
            advance(1)
    return audits


def _describe_death(store: Store, batch: str) -> str:
    try:
        failure = read_failure(store, batch)
    except ValueError:
        return "dead, with a damaged failure record"
    return f"dead ({failure.reason.value}): {failure.error.splitlines()[-1]}" if failure else "dead"
