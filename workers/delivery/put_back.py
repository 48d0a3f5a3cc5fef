"""Putting a message back: to the end of the queue, after a pause that grows while nothing works."""

import time
from typing import NoReturn

import redis
import structlog
from celery.exceptions import Reject

from common.errors import FleetError
from common.metrics import PUT_BACK
from common.queue.broker import connect
from common.queue.live import LiveRun
from common.queue.message import Message
from common.settings import Settings
from workers.health import ChildHealth

SHORT_PAUSE = 1.0
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0

log = structlog.get_logger(__name__)


class ClaimedError(FleetError):
    """Another worker is at this batch."""


class UnexpectedError(FleetError):
    """Something that nobody foresaw; it counts against the batch."""


class DeadBatchError(Exception):
    """A batch was given up and its record written. Nobody catches it: the task is acknowledged as failed."""


class Backoff:
    """Failures of the surroundings in a row, in this process: meanwhile it consumes nothing."""

    def __init__(self) -> None:
        self._failures = 0

    def success(self) -> None:
        self._failures = 0

    def pause(self, longest: float) -> float:
        """Seconds to wait now, twice as many each time."""
        self._failures += 1
        return min(FIRST_PAUSE * 2.0 ** (self._failures - 1), longest)


backoff = Backoff()


def put_back(message: Message, error: Exception, settings: Settings) -> NoReturn:
    """Wait, mark the batch as queued now, and reject its message so that it goes to the end of the queue.

    Raises:
        Reject: always.
    """
    PUT_BACK.labels(type(error).__name__).inc()
    seconds = _pause(error, settings)
    log.error("batch put back", reason=str(error), pause_seconds=seconds)
    time.sleep(seconds)
    try:
        LiveRun(connect(settings.broker_url), message.run).mark_queued([message.batch_id])
    except redis.RedisError as away:
        log.warning("broker away", error=str(away))
    raise Reject(str(error), requeue=True)


def _pause(error: Exception, settings: Settings) -> float:
    """Short where only this batch is concerned; else longer each time, since nothing works now."""
    if isinstance(error, ClaimedError | UnexpectedError):
        return SHORT_PAUSE
    ChildHealth(settings.health).unready()
    # The lease is not renewed any more: well before it ends the message must be back.
    return backoff.pause(min(LONGEST_PAUSE, settings.lease.visibility_timeout / 3))
