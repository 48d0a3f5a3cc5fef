"""The Celery task: from a delivery to an acknowledgement."""

import json
from typing import TYPE_CHECKING

import redis
import structlog
from celery import Celery, Task
from pydantic import ValidationError

from common.errors import FleetError
from common.metrics import SET_ASIDE
from common.queue.broker import connect, set_aside
from common.queue.message import TASK, Message
from common.settings import Settings
from workers.delivery.put_back import DeadBatchError, put_back

if TYPE_CHECKING:
    from workers.batch import Work

log = structlog.get_logger(__name__)


def register_task(app: Celery, settings: Settings) -> None:
    """Give the app its only task."""

    @app.task(name=TASK, bind=True, throws=(DeadBatchError,))  # type: ignore[untyped-decorator]
    def caption_batch(self: Task, *_: object, **fields: object) -> None:
        deliver(self, fields, settings)


def deliver(task: Task, fields: dict[str, object], settings: Settings) -> None:
    """Do what a message asks; put it back when it cannot be done now, aside when it never can.

    Raises:
        Reject: the message goes back to the end of the queue.
        DeadBatchError: the batch was given up; it is done with, and Flower shows it as failed.
    """
    try:
        message = Message.model_validate(fields)
    except ValidationError as error:
        _put_aside(fields, str(error), settings)
    else:
        _deliver(task, message, settings)


def _deliver(task: Task, message: Message, settings: Settings) -> None:
    from workers.delivery.attempt import Attempt  # noqa: PLC0415 - the parent loads no pyarrow

    try:
        work = _find(message, settings)
        if work is not None:
            Attempt(work, settings, task.request.hostname, task.request.properties["delivery_tag"]).make()
    except (FleetError, redis.RedisError) as error:
        put_back(message, error, settings)


def _find(message: Message, settings: Settings) -> "Work | None":
    from workers.batch import ForeignMessageError, find_work  # noqa: PLC0415 - as above

    try:
        return find_work(message, settings)
    except ForeignMessageError as error:
        _put_aside(message.model_dump(), str(error), settings)
        return None


def _put_aside(fields: dict[str, object], reason: str, settings: Settings) -> None:
    log.error("message set aside", reason=reason)
    SET_ASIDE.inc()
    set_aside(connect(settings.broker_url), json.dumps(fields))
