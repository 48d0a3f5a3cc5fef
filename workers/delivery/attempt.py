"""One attempt at a batch: claimed, counted, leased; ends in a result, or in an error that `blame` judges."""

import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import redis
import structlog

from common.metrics import RUNNING
from common.queue.attempts import AttemptBook, Attempts
from common.queue.broker import connect
from common.queue.last_return import forget_return
from common.queue.live import LiveRun, Running
from common.queue.queued_batches import QueuedBatches
from common.queue.workers import Workers
from common.run.failure_record import Failure, Reason, failure_key, write_failure
from common.settings import Settings
from workers.batch import Advance, Work, caption_batch, read_batch
from workers.delivery.blame import Reaction, blame, blame_worker, unwrap
from workers.delivery.errors import ClaimedError, FailingWorkerError, UnexpectedError
from workers.delivery.lease import CLAIM_SECONDS, Lease, Progress, claim_on
from workers.delivery.limits import Limits
from workers.delivery.outage import tolerating_outage
from workers.delivery.result import End, Result
from workers.delivery.worker_id import worker_id
from workers.health import ChildHealth
from workers.manners import open_shared
from workers.models.fit import fit_settings
from workers.models.load import load_models

ISOLATE_AFTER = 2
"""Crashes of a batch after which each image is decoded in a disposable process."""

log = structlog.get_logger(__name__)


class Attempt:
    """Everything that happens to a batch between its delivery and its acknowledgement.

    Args:
        work: the batch.
        settings: of this worker.
        hostname: the name that Flower shows.
        delivery_tag: of the message.
    """

    def __init__(self, work: Work, settings: Settings, hostname: str, delivery_tag: str) -> None:
        self._work, self._settings = work, settings
        self._hostname, self._tag = hostname, delivery_tag
        self._batch = work.batch.id
        self._client = connect(settings.broker_url)
        self._live = LiveRun(self._client, work.store.uri)
        self._queued = QueuedBatches(self._client, work.store.uri)
        self._book = AttemptBook(self._client, work.store.uri)
        self._workers = Workers(self._client)
        self._limits = Limits(self._book, self._workers, settings.lease)

    def make(self) -> Result:
        """Do the batch, unless its shard or its failure record is there.

        Raises:
            FleetError: it cannot be done now.
            redis.RedisError: the broker is away.
            Exception: the device failed.
        """
        with self._client, self._lease() as progress:  # close now; connections would leak until GC
            result = self._settle_or_do(progress.advance)
            self._keep_books(result)
            return result

    def _settle_or_do(self, advance: Advance) -> Result:
        # Under the claim: its last holder may have ended the batch meanwhile.
        if self._is_ended():
            return Result(End.SETTLED)
        attempts = self._book.begin(self._batch, worker_id())
        reason = self._limits.reason_to_give_up(self._batch, attempts)
        if reason is not None:
            return self._give_up(reason, self._book.last_error(self._batch) or "the process died")
        self._limits.require_untried(self._batch, attempts)
        try:
            return self._do(attempts, advance)
        except redis.RedisError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody is to blame for it
            return self._judge(unwrap(error))

    def _do(self, attempts: Attempts, advance: Advance) -> Result:
        with blame_worker():
            with ChildHealth(self._settings.health).loading():
                cascade = load_models(self._settings)
            settings = fit_settings(self._settings)
            rows = read_batch(self._work, settings)
        isolate = attempts.crashed >= ISOLATE_AFTER
        shared = open_shared(self._settings)
        counts = caption_batch(self._work, rows, cascade, settings, advance, isolate=isolate, shared=shared)
        return Result(End.LATE) if counts is None else Result(End.COMMITTED, counts)

    def _judge(self, error: Exception) -> Result:
        """The end of a batch that failed; an error where it has to go back to the queue."""
        reaction = blame(error).reaction
        if reaction is Reaction.GIVE_UP:
            return self._give_up(Reason.PART, str(error))
        if reaction is Reaction.COUNT:
            return self._count(error)
        self._book.end(self._batch)
        raise error

    def _count(self, error: Exception) -> Result:
        trace = "".join(traceback.format_exception(error))
        line = f"{type(error).__name__}: {error}"
        log.error("unexpected error", exception=trace)
        if not self._book.fail(self._batch, worker_id(), trace):
            raise FailingWorkerError(f"this worker's last batches all failed, now with {line}") from error
        if self._limits.reason_to_give_up(self._batch, self._book.read(self._batch)) is None:
            raise UnexpectedError(line) from error
        return self._give_up(Reason.ERROR, trace)

    def _give_up(self, reason: Reason, error: str) -> Result:
        attempts = self._book.read(self._batch)
        failure = Failure(
            batch=self._batch,
            reason=reason,
            error=error,
            crashed=attempts.crashed,
            vanished=attempts.vanished,
            worker=f"{self._hostname} ({os.getpid()})",
        )
        write_failure(self._work.store, failure)
        return Result(End.DEAD, failure=failure)

    def _is_ended(self) -> bool:
        store, batch = self._work.store, self._work.batch
        return store.exists(batch.shard_key) or store.exists(failure_key(batch.id))

    def _keep_books(self, result: Result) -> None:
        """A committed batch is done: an absent broker then costs only the counters."""
        with tolerating_outage():
            self._book.reset(self._batch)  # where it is settled, its writer may have died before it could
        with tolerating_outage():
            if result.end is End.COMMITTED:
                self._live.record_commit(self._batch, result.rows)
            else:
                self._queued.drop(self._batch)
        with tolerating_outage():
            if result.end in {End.COMMITTED, End.LATE}:
                self._workers.record_finish(worker_id())
                forget_return(self._client, self._work.store.uri)

    @contextmanager
    def _lease(self) -> Iterator[Progress]:
        """The claim, the lease and the live record, while the block runs."""
        claim = claim_on(self._client, self._work.store.uri, self._batch)
        if not claim.acquire(blocking_timeout=CLAIM_SECONDS + 1):
            raise ClaimedError(f"{self._batch}: another worker is at it")
        running = Running(self._batch, self._hostname, 0, self._work.batch.rows, time.time())
        lease = Lease(
            self._client,
            self._live,
            claim,
            delivery_tag=self._tag,
            settings=self._settings.lease,
            running=running,
        )
        with lease.hold() as progress, RUNNING.track_inprogress():
            yield progress
