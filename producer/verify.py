"""The audit of a run: every row once, every shard readable, counts and provenance consistent."""

from array import array
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from common.console.words import quote
from common.errors import FleetError
from common.run.failure_record import read_failure
from common.run.manifest import Run, read_run
from common.run.numbering import Numbering, numbers
from common.settings import S3Settings
from common.store import Store
from producer.audit import Shard
from producer.auditing import CHUNK, Auditor, audit_all
from producer.inventory import Inventory, number_parts, take_inventory
from producer.journal import FileJournal, Journal, NoJournal, journal_path
from producer.sample import WHOLE, Sample, choose_sample, judge_sample

READERS = 16
LISTED = 1000
"""Missing, dead or strange batches that are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Result of `producer verify`; `problems` has one line per fault.

    Of a sample, `rows_expected`, `rows_found`, `duplicates` and `by_status` count the sampled shards alone.
    """

    rows_expected: int
    rows_found: int
    duplicates: int
    bad_shards: int
    by_status: dict[str, int]
    problems: list[str]
    sample: Sample | None = None

    @property
    def is_clean(self) -> bool:
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        fields = asdict(self)
        if self.sample is None:
            del fields["sample"]
        return fields


def verify(store: Store, s3: S3Settings, percent: float | None = None) -> Verdict:
    """Read every shard of the run, or a random sample of them.

    Args:
        store: of the run.
        s3: where S3 is, for the processes that read.
        percent: of the shards that are read; None reads all.

    Raises:
        FleetError: there is no run here, or its `run.json` is damaged.
        StoreError: the store cannot be reached.
    """
    run = read_run(store)
    if run is None:
        raise FleetError(f"{store.uri}: there is no run here; correct --output")
    problems: list[str] = []
    numbering = number_parts(store, run, problems.append)
    output = take_inventory(store, numbering)
    with _journal(store, run, percent) as journal:
        chosen = output.done if percent is None else _choose(output.done, percent, journal.seed, numbering)
        shards = (Shard(number, numbering.batch(number), output.sizes[number]) for number in numbers(chosen))
        span = CHUNK if percent is None else round(CHUNK * WHOLE / percent)
        audit = audit_all(Auditor(store.uri, run, s3), shards, chosen.bit_count(), journal, span)
    problems += audit.problems
    problems += _find_problems(store, numbering, output)
    is_sample = percent is not None
    return Verdict(
        rows_expected=numbering.rows(chosen if is_sample else numbering.all),
        rows_found=audit.rows,
        duplicates=audit.duplicates,
        bad_shards=audit.bad_shards + len(output.strangers),
        by_status=dict(sorted(audit.by_status.items())),
        problems=problems,
        sample=judge_sample(audit.bad_shards, chosen.bit_count(), output.done.bit_count())
        if is_sample
        else None,
    )


def _find_problems(store: Store, numbering: Numbering, output: Inventory) -> Iterator[str]:
    """A line for each batch that is dead or missing, and for each shard of no batch."""
    dead = output.dead & ~output.done
    missing = numbering.all & ~output.done & ~output.dead
    yield from _shorten(_why_dead(store, map(numbering.id, numbers(dead))), dead.bit_count())
    lines = (f"batch {numbering.id(number)}: missing" for number in numbers(missing))
    yield from _shorten(lines, missing.bit_count())
    yield from _shorten(map(_stranger, output.strangers), len(output.strangers))


def _choose(done: int, percent: float, seed: int, numbering: Numbering) -> int:
    """A random sample of a set of batches."""
    return numbering.from_numbers(choose_sample(array("q", numbers(done)), percent, seed))


@contextmanager
def _journal(store: Store, run: Run, percent: float | None) -> Iterator[Journal]:
    """A journal that stays only where the block does not end well."""
    path = journal_path(store.uri, run.model_dump_json(), percent)
    if path is None:
        yield NoJournal()
        return
    journal = FileJournal(path)
    try:
        yield journal
        journal.forget()
    finally:
        journal.close()


def _shorten(lines: Iterable[str], total: int) -> Iterator[str]:
    """The first lines, and how many more there are."""
    yield from islice(lines, LISTED)
    if total > LISTED:
        yield f"and {total - LISTED} more of the kind of the line above"


def _why_dead(store: Store, batches: Iterable[str]) -> Iterator[str]:
    with ThreadPoolExecutor(READERS) as pool:
        yield from pool.map(lambda batch: _why_one_is_dead(store, batch), islice(batches, LISTED))


def _why_one_is_dead(store: Store, batch: str) -> str:
    try:
        failure = read_failure(store, batch)
    except (ValueError, RecursionError):
        return f"batch {batch}: dead, with a damaged failure record"
    if failure is None:
        return f"batch {batch}: dead"
    last = (failure.error.strip().splitlines() or ["no error recorded"])[-1]
    return f"batch {batch}: dead ({failure.reason.value}): {quote(last)}"


def _stranger(shard: str) -> str:
    return f"shard {quote(shard)}: belongs to no batch of the run"
