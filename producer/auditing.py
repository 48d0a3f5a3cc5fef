"""The audit of many shards: by processes, some at a time, and never twice what a journal holds."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import groupby

from common.console.progress import progress
from common.run.manifest import Run
from common.settings import S3Settings
from common.store import open_store
from producer.audit import Audit, Shard, audit_shard
from producer.journal import Journal
from producer.readers import Readers, open_readers

CHUNK = 64
"""Shards of one task."""
THREADS = 8


@dataclass(frozen=True, slots=True)
class Auditor:
    """The context that every process needs to audit shards of one run."""

    uri: str
    run: Run
    s3: S3Settings

    def audit(self, shards: Sequence[Shard]) -> Audit:
        """The shards together.

        Raises:
            StoreError: the store cannot be reached.
        """
        store, whole = open_store(self.uri, self.s3), Audit()
        with ThreadPoolExecutor(THREADS) as pool:
            for audit in pool.map(lambda shard: audit_shard(store, self.run, shard.batch), shards):
                whole.add(audit)
        return whole


def audit_all(
    auditor: Auditor, shards: Iterable[Shard], total: int, journal: Journal, span: int = CHUNK
) -> Audit:
    """Audit shards in order of completion; those in the journal are not read again.

    Args:
        auditor: of their run.
        shards: by number.
        total: how many.
        journal: of an earlier try.
        span: batch numbers of which a task reads the shards.

    Raises:
        StoreError: the store cannot be reached; the journal keeps what was done.
    """
    whole = Audit()
    count = max(1, min(processes(), -(-total // CHUNK)))
    with progress("reading shards", total) as advance, open_readers(auditor.audit, count) as readers:
        for chunk, audit in _audits(readers, _chunks(shards, span), journal):
            whole.add(audit)
            advance(len(chunk))
    return whole


def _audits(
    readers: Readers, chunks: Iterator[Sequence[Shard]], journal: Journal
) -> Iterator[tuple[Sequence[Shard], Audit]]:
    """As they end, with a bounded number begun."""
    begun: dict[Future[Audit], Sequence[Shard]] = {}
    for chunk in chunks:
        known = journal.find(chunk)
        if known is not None:
            yield chunk, known
            continue
        begun[readers.submit(chunk)] = chunk
        if len(begun) >= 2 * processes():
            yield from _collect_ended(readers, begun, journal)
    while begun:
        yield from _collect_ended(readers, begun, journal)


def _collect_ended(
    readers: Readers, begun: dict[Future[Audit], Sequence[Shard]], journal: Journal
) -> Iterator[tuple[Sequence[Shard], Audit]]:
    for future in wait(begun, return_when=FIRST_COMPLETED).done:
        chunk = begun.pop(future)
        audit = readers.result(future, chunk)
        journal.note(chunk, audit)
        yield chunk, audit


def _chunks(shards: Iterable[Shard], span: int) -> Iterator[Sequence[Shard]]:
    """Cut by number, so that shards that are new since an earlier try leave the other chunks as they were."""
    for _, chunk in groupby(shards, lambda shard: shard.number // span):
        yield list(chunk)


def processes() -> int:
    return os.cpu_count() or 1
