"""One producer at a time queues batches of a run: a lock in Redis, renewed for as long as it is needed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import redis
import structlog
from redis.exceptions import LockError
from redis.lock import Lock

from common.errors import FleetError
from common.queue.run_keys import run_prefix

LOCK_SECONDS = 120.0
"""A producer that is killed holds the others up for so long."""
RENEWALS = 4
"""In that time: three may fail."""

log = structlog.get_logger(__name__)


@contextmanager
def producer_lock(client: redis.Redis, run: str) -> Iterator[Callable[[], None]]:
    """Hold the lock of a run; yields a function that raises FleetError once it is lost."""
    lock = client.lock(f"{run_prefix(run)}:producer", timeout=LOCK_SECONDS, thread_local=False)
    if not lock.acquire(blocking=False):
        log.warning("another producer is at work on this run; waiting for it", run=run)
        lock.acquire()
    over, lost = Event(), Event()
    thread = Thread(target=_renew, args=(lock, over, lost), daemon=True)
    thread.start()
    try:
        yield lambda: _require(run, lost)
    finally:
        over.set()
        thread.join()
        with suppress(LockError):  # all is sent: a later holder does no harm
            lock.release()


def _renew(lock: Lock, over: Event, lost: Event) -> None:
    while not over.wait(LOCK_SECONDS / RENEWALS):
        try:
            lock.reacquire()
        except LockError:
            lost.set()
            return
        except redis.RedisError as error:
            log.warning("cannot renew the lock of this run", error=str(error))


def _require(run: str, lost: Event) -> None:
    if lost.is_set():
        raise FleetError(f"{run}: the lock of this run was lost (was the broker restarted?); start again")
