"""One attempt at a batch: claimed, counted, leased; ends in a shard, a failure record, or an error."""

import os
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

import redis
import structlog

from common.errors import FleetError
from common.metrics import ATTEMPTS, DEAD, ROWS, RUNNING
from common.queue.attempts import AttemptBook, Attempts
from common.queue.broker import connect
from common.queue.live import LiveRun, Running
from common.run.failure_record import Failure, Reason, bury, failure_key
from common.run.part import PartError
from common.settings import Settings
from workers.batch import Advance, Work, do_work
from workers.delivery.lease import CLAIM_SECONDS, Lease, claim_on
from workers.delivery.put_back import ClaimedError, DeadBatchError, UnexpectedError, backoff
from workers.delivery.worker_id import worker_id
from workers.health import ChildHealth
from workers.models.resolve import load_models

ISOLATE_AFTER = 2
"""Crashes of a batch after which each image is decoded in a disposable process."""

log = structlog.get_logger(__name__)


class Attempt:
    """Everything that happens to a batch between its delivery and its acknowledgement."""

    def __init__(self, work: Work, settings: Settings, hostname: str, delivery_tag: str) -> None:
        self._work, self._settings = work, settings
        self._hostname, self._tag = hostname, delivery_tag
        self._client = connect(settings.broker_url)
        self._live = LiveRun(self._client, work.store.uri)
        self._book = AttemptBook(self._client, work.store.uri)
        self._health = ChildHealth(settings.health)

    def make(self) -> None:
        """Do the batch, unless its shard or its failure record is there.

        Raises:
            FleetError: it cannot be done now; the message must go back.
            redis.RedisError: the broker is away.
            DeadBatchError: it was given up.
        """
        with self._client:  # or its links to the broker would stay until the collector comes by
            self._claimed()

    def _claimed(self) -> None:
        claim = claim_on(self._client, self._work.store.uri, self._work.batch.id)
        if not claim.acquire(blocking_timeout=CLAIM_SECONDS + 1):
            raise ClaimedError(f"{self._work.batch.id}: another worker is at it")
        running = Running(self._work.batch.id, self._hostname, 0, self._work.batch.rows, time.time())
        lease = Lease(
            self._client,
            self._live,
            claim,
            delivery_tag=self._tag,
            settings=self._settings.lease,
            running=running,
        )
        with lease.held() as progress, RUNNING.track_inprogress():
            # Under the claim: whoever held it while this worker waited may have ended the batch.
            if self._settled():
                log.info("batch is settled already")
                with bookkeeping():
                    self._live.dropped(self._work.batch.id)
                    self._book.forget(self._work.batch.id)  # its writer may have died before it could
            else:
                self._counted(self._health.counting(progress.advance))

    def _settled(self) -> bool:
        store, batch = self._work.store, self._work.batch
        return store.exists(batch.shard_key) or store.exists(failure_key(batch.id))

    def _counted(self, advance: Advance) -> None:
        attempts = self._book.begin(self._work.batch.id, worker_id())
        reason = self._spent(attempts)
        if reason is not None:
            self._bury(reason, self._book.last_error(self._work.batch.id) or "the process died", attempts)
        try:
            self._do(attempts, advance)
        except PartError as error:
            self._bury(Reason.PART, str(error), attempts)
        except FleetError:
            self._book.end(self._work.batch.id)
            ATTEMPTS.labels("put_back").inc()
            raise
        except redis.RedisError:  # the broker's failure, not the batch's
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must count and be seen
            self._fail(error)

    def _do(self, attempts: Attempts, advance: Advance) -> None:
        batch = self._work.batch
        cascade = load_models(self._settings)
        counts = do_work(
            self._work, cascade, self._settings, advance, isolate=attempts.crashed >= ISOLATE_AFTER
        )
        backoff.success()
        self._health.ready()
        if counts is None:
            log.info("another worker's shard was first")
            ATTEMPTS.labels("late").inc()
        else:
            log.info("shard written", shard=batch.shard_key, rows=dict(counts))
            _count(counts)
        with bookkeeping():
            self._book.forget(batch.id)
        with bookkeeping():
            if counts is None:
                self._live.dropped(batch.id)
            else:
                self._live.committed(batch.id, counts)

    def _spent(self, attempts: Attempts) -> Reason | None:
        if attempts.crashed >= self._settings.lease.max_crashed:
            return Reason.CRASHED
        if attempts.vanished >= self._settings.lease.max_vanished:
            return Reason.VANISHED
        return None

    def _fail(self, error: Exception) -> None:
        """Count it; the last one buries the batch, the others put it back."""
        trace = traceback.format_exc()
        log.error("unexpected error", exception=trace)
        attempts = self._book.fail(self._work.batch.id, trace)
        if attempts.crashed < self._settings.lease.max_crashed:
            ATTEMPTS.labels("failed").inc()
            raise UnexpectedError(f"{type(error).__name__}: {error}") from error
        self._bury(Reason.ERROR, trace, attempts)

    def _bury(self, reason: Reason, error: str, attempts: Attempts) -> NoReturn:
        batch = self._work.batch.id
        log.error("batch is dead", reason=reason.value, error=error, crashed=attempts.crashed)
        failure = Failure(
            batch=batch,
            reason=reason,
            error=error,
            crashed=attempts.crashed,
            vanished=attempts.vanished,
            worker=f"{self._hostname} ({os.getpid()})",
        )
        bury(self._work.store, failure)
        ATTEMPTS.labels("dead").inc()
        DEAD.labels(reason.value).inc()
        with bookkeeping():
            self._live.dropped(batch)
            self._book.forget(batch)
        # Without its cause: Flower shows that, and it may name a file or a URL.
        raise DeadBatchError(f"given up ({reason.value}); see {failure_key(batch)}") from None


@contextmanager
def bookkeeping() -> Iterator[None]:
    """What lies in the output is done: a broker that is away then changes nothing but the counters."""
    try:
        yield
    except redis.RedisError as error:
        log.warning("broker away", error=str(error))


def _count(rows: Mapping[str, int]) -> None:
    ATTEMPTS.labels("committed").inc()
    for status, count in rows.items():
        ROWS.labels(status).inc(count)
