"""Processes that read shards; one that dies of a shard costs a line of the audit, not the audit."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context

from producer.audit import Audit, Shard
from producer.children import die_with_parent

CONTEXT = "forkserver"
"""Its children start in milliseconds, from a process that has neither threads nor connections."""
PRELOADED = ["producer.auditing"]

Read = Callable[[Sequence[Shard]], Audit]


class Readers:
    """A pool of processes.

    Args:
        read: audits some shards; can be pickled.
        processes: at once.
    """

    def __init__(self, read: Read, processes: int) -> None:
        self._read, self._processes = read, processes
        self._pool = _start(processes)

    def submit(self, shards: Sequence[Shard]) -> "Future[Audit]":
        """Begin to read."""
        try:
            return self._pool.submit(self._read, shards)
        except BrokenProcessPool:
            self._pool = _start(self._processes)
            return self._pool.submit(self._read, shards)

    def result(self, future: "Future[Audit]", shards: Sequence[Shard]) -> Audit:
        """The audit that was begun; where a process died, what each shard does to a process of its own.

        Raises:
            StoreError: the store cannot be reached.
        """
        try:
            return future.result()
        except BrokenProcessPool:
            return self._read_apart(shards)

    def _read_apart(self, shards: Sequence[Shard]) -> Audit:
        """Halve until the shard that kills is found; the others are read."""
        try:
            with _start(1) as pool:
                return pool.submit(self._read, shards).result()
        except BrokenProcessPool:
            if len(shards) == 1:
                return _deadly(shards[0])
        middle, whole = len(shards) // 2, Audit()
        for half in (shards[:middle], shards[middle:]):
            whole.add(self._read_apart(half))
        return whole

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def open_readers(read: Read, processes: int) -> Iterator[Readers]:
    readers = Readers(read, processes)
    try:
        yield readers
    finally:
        readers.close()


def _deadly(shard: Shard) -> Audit:
    reason = "the process that reads it dies: it crashes, or wants too much memory"
    return Audit(bad_shards=1, problems=[f"batch {shard.batch.id}: not readable: {reason}"])


def _start(processes: int) -> ProcessPoolExecutor:
    context = get_context(CONTEXT)
    context.set_forkserver_preload(PRELOADED)
    return ProcessPoolExecutor(processes, context, initializer=_adopt, initargs=(dict(os.environ),))


def _adopt(environment: Mapping[str, str]) -> None:
    """A fork server has the environment of its own start; credentials may have changed since."""
    die_with_parent()  # the fork server, which ends with the command
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command ends its readers in order
    os.environ.clear()
    os.environ.update(environment)
