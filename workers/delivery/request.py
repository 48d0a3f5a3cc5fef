"""Celery's request in the parent: a message in this worker's hands."""

import time
from collections.abc import Callable
from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.worker import state
from celery.worker.request import Request

from common.queue.app import CHILD_START_SECONDS
from workers.delivery.errors import RejectToFront
from workers.delivery.replacement import REPLACED


class FleetRequest(Request):  # type: ignore[misc]
    """Knows when it came, and where in the queue a returned batch belongs.

    The message of a lost child goes to the front, where it was, and so does one by the table of blame.
    """

    def __init__(self, *arguments: Any, clock: Callable[[], float] = time.monotonic, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._clock = clock
        self._received_at = clock()

    @property
    def delivery_tag(self) -> str:
        """Under which the broker holds the message for this worker."""
        return str(self.message.delivery_tag)

    def is_awaiting_child(self) -> bool:
        """Whether no child has taken it, and one may still come up in time."""
        return self.time_start is None and self._clock() - self._received_at < CHILD_START_SECONDS

    def on_failure(self, exc_info: ExceptionInfo, *arguments: Any, **options: Any) -> Any:
        """As Celery's; the batch is begun again at once, not after all others."""
        error = getattr(
            exc_info.exception, "exc", exc_info.exception
        )  # wrapped where it came with a traceback
        if isinstance(error, SystemExit) and error.code == REPLACED:
            state.task_ready(self)
            return self.reject(requeue=True)
        if isinstance(error, WorkerLostError | SystemExit | RejectToFront):
            self.message.channel.qos.return_first(self.delivery_tag)
        return super().on_failure(exc_info, *arguments, **options)


def held_requests() -> list[FleetRequest]:
    """The messages in this worker's hands; any thread may ask."""
    return list(state.requests.values())  # one step of the interpreter: the loop adds and removes meanwhile
