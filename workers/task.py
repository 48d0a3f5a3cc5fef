"""The Celery task: from a delivery to an acknowledgement, and nothing more."""

import json
import time
from typing import TYPE_CHECKING, NoReturn

import structlog
from celery import Celery, Task
from celery.exceptions import Reject
from pydantic import ValidationError

from common.broker import connect, set_aside
from common.errors import FleetError
from common.live import LiveRun, Running
from common.message import TASK, Message
from common.settings import Settings
from workers.lease import Lease

if TYPE_CHECKING:
    from workers.batch import Work

PUT_BACK_PAUSE = 5.0
"""Seconds before a batch that nobody could do now is offered again."""

log = structlog.get_logger(__name__)


def register_task(app: Celery, settings: Settings) -> None:
    """Give the app its only task."""

    @app.task(name=TASK, bind=True)  # type: ignore[untyped-decorator]
    def caption_batch(self: Task, *_: object, **fields: object) -> None:
        deliver(self, fields, settings)


def deliver(task: Task, fields: dict[str, object], settings: Settings) -> None:
    """Do what a message asks; put it back when it cannot be done now, aside when it never can.

    Raises:
        Reject: the message goes back to the end of the queue.
    """
    from workers.batch import ForeignMessageError, find_work  # noqa: PLC0415 - the parent loads no torch

    try:
        message = Message.model_validate(fields)
        work = find_work(message, settings)
    except (ValidationError, ForeignMessageError) as error:
        log.error("message set aside", reason=str(error))
        set_aside(connect(settings.broker_url), json.dumps(fields))
    except FleetError as error:
        _put_back(error)
    else:
        _do(task, work, settings)


def _do(task: Task, work: "Work", settings: Settings) -> None:
    from workers.batch import do_work  # noqa: PLC0415 - as above
    from workers.models import load_models  # noqa: PLC0415

    batch = work.batch
    client = connect(settings.broker_url)
    live = LiveRun(client, work.store.uri)
    if work.store.exists(batch.shard_key):
        log.info("shard is there already")
        live.dropped(batch.id)
        return
    running = Running(batch.id, task.request.hostname, 0, batch.rows, time.time())
    lease = Lease(client, live, task.request.properties["delivery_tag"], settings.lease, running)
    try:
        with lease.held() as progress:
            counts = do_work(work, load_models(settings), settings, progress.advance)
    except FleetError as error:
        _put_back(error)
    if counts is None:
        log.info("another worker's shard was first")
        live.dropped(batch.id)
    else:
        log.info("shard written", shard=batch.shard_key, rows=dict(counts))
        live.committed(batch.id, counts)


def _put_back(error: Exception) -> NoReturn:
    log.error("batch put back", reason=str(error))
    time.sleep(PUT_BACK_PAUSE)
    raise Reject(str(error), requeue=True)
