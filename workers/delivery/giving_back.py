"""What a worker that was told to stop does with the messages in its hands."""

import signal
from collections.abc import Iterable

import redis
import structlog
from celery.worker import WorkController

from common.queue.attempts import AttemptBook
from common.queue.broker import connect_once
from common.queue.kombu_queue import return_held
from common.queue.message import Message
from common.settings import Settings
from workers.delivery.outage import tolerating_outage
from workers.delivery.request import FleetRequest, held_requests

JOIN_SECONDS = 1.0
"""For the end of a killed child."""

log = structlog.get_logger(__name__)


def excuse(requests: Iterable[FleetRequest], client: redis.Redis) -> None:
    """What ends because this worker was told to stop counts against no batch."""
    for request in requests:
        try:
            message = Message.model_validate(request.kwargs)
        except ValueError:  # a stranger's; the child sets it aside
            continue
        AttemptBook(client, message.run).end(message.batch_id)


def excuse_all(settings: Settings) -> None:
    """The same for everything in this worker's hands; a broker that is away is not waited for."""
    with tolerating_outage(), connect_once(settings.broker_url) as client:
        excuse(held_requests(), client)


def give_back_all(worker: WorkController, settings: Settings) -> None:
    """End the children, then put their batches back to the front of the queue, uncounted.

    In this order: a child that lived could begin an attempt that nobody ends.
    """
    requests = held_requests()
    _end_children(worker, requests)
    with tolerating_outage(), connect_once(settings.broker_url) as client:
        excuse(requests, client)
        return_held(client, [request.delivery_tag for request in requests])
    for request in requests:
        log.info("batch given back", batch=request.id)
        request.acknowledged = True  # by us: Celery's own way needs the channel that it came over


def _end_children(worker: WorkController, requests: Iterable[FleetRequest]) -> None:
    """Also those that have not taken a message yet: they would."""
    worker.pool.close()  # or a child that dies is replaced
    for request in requests:
        request.cancel(worker.pool, signal=signal.SIGKILL, emit_retry=False)
    children = tuple(worker.pool._pool._pool)  # noqa: SLF001 - billiard has no public list of them
    for child in children:
        worker.pool.terminate_job(child.pid, signal.SIGKILL)
    for child in children:
        child.join(JOIN_SECONDS)
