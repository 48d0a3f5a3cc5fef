"""From a delivery to an acknowledgement."""

import json
import time

import structlog
from celery import Task
from pydantic import ValidationError

from common.queue.broker import connect
from common.queue.last_return import Return
from common.queue.message import Message
from common.queue.returns import Returns
from common.queue.set_aside import set_aside
from common.run.failure_record import failure_key
from common.settings import Settings
from workers.batch import find_work
from workers.delivery.attempt import Attempt
from workers.delivery.backoff import backoff
from workers.delivery.blame import Reaction, blame, blame_worker, describe
from workers.delivery.errors import DeadBatchError
from workers.delivery.observer import Observer
from workers.delivery.outage import tolerating_outage
from workers.delivery.result import Result
from workers.delivery.return_to_queue import return_to_queue
from workers.delivery.stagger import stagger

log = structlog.get_logger(__name__)


def deliver(task: Task, fields: dict[str, object], settings: Settings) -> None:
    """Execute a message.

    It goes back to the queue when it cannot be done now, and aside when it never can.

    Raises:
        Reject: the message goes back to the queue.
        SystemExit: so it does, and this process ends.
        DeadBatchError: the batch was given up; it is done with, and Flower shows it as failed.
    """
    observer = Observer(settings)
    try:
        message = Message.model_validate(fields)
    except ValidationError as error:
        _set_aside(fields, str(error), settings, observer)
        return
    with structlog.contextvars.bound_contextvars(run=message.run, batch=message.batch_id):
        log.info("batch received")
        stagger.wait(settings)
        began = time.monotonic()
        try:
            result = _attempt(task, message, settings)
        except Exception as error:  # noqa: BLE001 - the table knows every kind
            _react(message, error, task, settings, observer)
        else:
            seconds = time.monotonic() - began
            stagger.record(seconds)
            observer.record_end(result, seconds)
            _raise_if_dead(result)


def _attempt(task: Task, message: Message, settings: Settings) -> Result:
    with blame_worker():
        work = find_work(message, settings)
    return Attempt(work, settings, task.request.hostname, task.request.properties["delivery_tag"]).make()


def _react(message: Message, error: Exception, task: Task, settings: Settings, observer: Observer) -> None:
    kind, line = blame(error), describe(error, blame(error))
    if kind.reaction is Reaction.SET_ASIDE:
        _set_aside(message.model_dump(), line, settings, observer)
    elif kind.reaction is not Reaction.RETURN and _is_worn(task, settings):
        _set_aside(message.model_dump(), f"put back too often, now since {line}", settings, observer)
    else:
        pause = observer.record_return(error, kind)
        why = Return(line, kind.culprit, task.request.hostname, kind.is_lasting)
        return_to_queue(
            message,
            why,
            pause,
            settings,
            keeps_place=kind.keeps_place,
            ends_process=kind.ends_process,
        )


def _is_worn(task: Task, settings: Settings) -> bool:
    """Whether the message has come back so often that nobody else is to blame."""
    returned = 0
    with tolerating_outage(), connect(settings.broker_url) as client:
        returns = Returns(client, task.request.properties["delivery_tag"])
        returned = returns.count(by_proven=backoff.is_proven)
    return returned >= settings.lease.max_returned


def _set_aside(fields: dict[str, object], reason: str, settings: Settings, observer: Observer) -> None:
    observer.record_set_aside(reason)
    with connect(settings.broker_url) as client:
        set_aside(client, json.dumps(fields))


def _raise_if_dead(result: Result) -> None:
    """Without its cause: Flower shows that, and it may name a file or a URL."""
    if result.failure is None:
        return
    raise DeadBatchError(f"given up ({result.failure.reason.value}); see {failure_key(result.failure.batch)}")
