"""Celery's request in the parent, which also knows where in the queue a lost batch belongs."""

from typing import Any

from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery.worker.request import Request


class FleetRequest(Request):  # type: ignore[misc]
    """Returns the batch of a child that died to the front of the queue, where it has been before."""

    def on_failure(self, exc_info: ExceptionInfo, *arguments: Any, **options: Any) -> Any:
        """As Celery's; the batch is begun again at once, not after all others."""
        error = getattr(
            exc_info.exception, "exc", exc_info.exception
        )  # wrapped where it came with a traceback
        if isinstance(error, WorkerLostError | SystemExit):
            self.message.channel.qos.return_first(self.message.delivery_tag)
        return super().on_failure(exc_info, *arguments, **options)
