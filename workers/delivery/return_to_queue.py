"""A message goes back to the end of the queue, after a pause."""

import time
from typing import NoReturn

import redis
import structlog
from celery.exceptions import Reject

from common.queue.broker import connect
from common.queue.live import LiveRun
from common.queue.message import Message
from common.settings import Settings

log = structlog.get_logger(__name__)


def return_to_queue(message: Message, reason: str, pause: float, settings: Settings) -> NoReturn:
    """Wait, mark the batch as queued now, and reject its message.

    Raises:
        Reject: always.
    """
    time.sleep(pause)
    try:
        with connect(settings.broker_url) as client:
            LiveRun(client, message.run).mark_queued([message.batch_id])
    except redis.RedisError as away:
        log.warning("broker away", error=str(away))
    raise Reject(reason, requeue=True)
