"""Auditing many shards: processes for the decoding, threads in each for the store, one journal."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from multiprocessing import get_context

from common.console.progress import progress
from common.errors import FleetError
from common.run.manifest import Run
from common.settings import S3Settings
from common.store import open_store
from producer.audit import Audit, Shard, audit_shard
from producer.journal import Journal

CHUNK = 64
"""Shards of one task."""
THREADS = 8
FEW = 2 * CHUNK
"""Shards that are audited in this process: others take a second to start."""


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


def audit_all(auditor: Auditor, shards: Iterable[Shard], total: int, journal: Journal) -> Audit:
    """Audit shards in order of completion; those in the journal are not read again.

    Raises:
        StoreError: the store cannot be reached; the journal keeps what was done.
    """
    whole = Audit()
    with progress("reading shards", total) as advance, _executor(total) as pool:
        for chunk, audit in _audits(auditor, _chunks(shards), pool, journal):
            whole.add(audit)
            advance(len(chunk))
    return whole


def _audits(
    auditor: Auditor, chunks: Iterator[Sequence[Shard]], pool: Executor, journal: Journal
) -> Iterator[tuple[Sequence[Shard], Audit]]:
    """As they end, with a bounded number begun."""
    begun: dict[Future[Audit], Sequence[Shard]] = {}
    for chunk in chunks:
        known = journal.find(chunk)
        if known is not None:
            yield chunk, known
            continue
        begun[pool.submit(auditor.audit, chunk)] = chunk
        if len(begun) >= 2 * processes():
            yield from _collect_ended(begun, journal)
    while begun:
        yield from _collect_ended(begun, journal)


def _collect_ended(
    begun: dict[Future[Audit], Sequence[Shard]], journal: Journal
) -> Iterator[tuple[Sequence[Shard], Audit]]:
    for future in wait(begun, return_when=FIRST_COMPLETED).done:
        chunk = begun.pop(future)
        audit = _result(future, chunk)
        journal.note(chunk, audit)
        yield chunk, audit


def _result(future: Future[Audit], chunk: Sequence[Shard]) -> Audit:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise FleetError(
            f"a process died while it read shards from {chunk[0].batch.id} to {chunk[-1].batch.id}:"
            " one of them, or want of memory; started again, verify goes on with the others"
        ) from error


def _chunks(shards: Iterable[Shard]) -> Iterator[Sequence[Shard]]:
    """Cut by number, so that shards that are new since an earlier try leave the other chunks as they were."""
    for _, chunk in groupby(shards, lambda shard: shard.number // CHUNK):
        yield list(chunk)


def processes() -> int:
    return os.cpu_count() or 1


@contextmanager
def _executor(total: int) -> Iterator[Executor]:
    pool: Executor
    if total <= FEW or processes() == 1:
        pool = ThreadPoolExecutor(1)
    else:
        pool = ProcessPoolExecutor(processes(), mp_context=get_context("spawn"))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
