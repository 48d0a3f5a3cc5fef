"""The parent's heartbeat in Redis: tells a crashed child from a vanished worker."""

import threading
from collections.abc import Iterable

import redis
import structlog
from celery.worker.request import Request

from common.queue.attempts import AttemptBook
from common.queue.broker import connect
from common.queue.message import Message
from common.queue.workers import Workers
from common.settings import Settings
from workers.delivery.worker_id import worker_id

log = structlog.get_logger(__name__)


def start_heartbeat(settings: Settings) -> None:
    """Beat from a thread; the last beat ends before the batch of a dead worker is handed on."""
    thread = threading.Thread(target=_beat, args=(settings,), name="heartbeat", daemon=True)
    thread.start()


def _beat(settings: Settings) -> None:
    workers, pause = Workers(connect(settings.broker_url)), threading.Event()
    while True:
        try:
            workers.beat(worker_id(), max(1, settings.lease.visibility_timeout // 2))
        except redis.RedisError as error:
            log.warning("broker away", error=str(error))
        pause.wait(settings.lease.renewal)


def excuse_running_batches(requests: Iterable[Request], settings: Settings) -> None:
    """Batches put back on shutdown are not counted."""
    client = connect(settings.broker_url)
    for request in requests:
        try:
            message = Message.model_validate(request.kwargs)
            AttemptBook(client, message.run).end(message.batch_id)
        except (ValueError, redis.RedisError) as error:
            log.warning("could not excuse a batch", error=str(error))
