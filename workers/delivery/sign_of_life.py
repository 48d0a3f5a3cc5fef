"""The parent's sign of life: what tells a crashed child from a vanished worker."""

import threading
from collections.abc import Iterable

import redis
import structlog
from celery.worker.request import Request

from common.queue.attempts import AttemptBook, mark_alive
from common.queue.broker import connect
from common.queue.message import Message
from common.settings import Settings
from workers.delivery.worker_id import worker_id

log = structlog.get_logger(__name__)


def start_signs_of_life(settings: Settings) -> None:
    """Renew the sign from a thread; it ends before the batch of a dead worker is handed on."""
    thread = threading.Thread(target=_renew, args=(settings,), name="sign-of-life", daemon=True)
    thread.start()


def _renew(settings: Settings) -> None:
    client, pause = connect(settings.broker_url), threading.Event()
    while True:
        try:
            mark_alive(client, worker_id(), max(1, settings.lease.visibility_timeout // 2))
        except redis.RedisError as error:
            log.warning("broker away", error=str(error))
        pause.wait(settings.lease.renewal)


def excuse_running_batches(requests: Iterable[Request], settings: Settings) -> None:
    """What is put back because this worker was told to stop counts against no batch."""
    client = connect(settings.broker_url)
    for request in requests:
        try:
            message = Message.model_validate(request.kwargs)
            AttemptBook(client, message.run).end(message.batch_id)
        except (ValueError, redis.RedisError) as error:
            log.warning("could not excuse a batch", error=str(error))
