"""Where the worker's own way out replaces Celery's."""

import signal
from typing import Any

from celery import bootsteps
from celery.worker import WorkController

from common.settings import Settings
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.stopping import Shutdown
from workers.process.early_stop import IS_HANGUP_IGNORED

PARENTS = (signal.SIGQUIT, signal.SIGHUP)
"""What a terminal also sends to the children; Celery ignores its Ctrl-C there already."""


def shutdown_step(settings: Settings, heartbeat: Heartbeat) -> type[bootsteps.StartStopStep]:
    """A step of the worker; steps start after Celery has set its own handlers."""

    class ListenToSignals(bootsteps.StartStopStep):  # type: ignore[misc]
        """Listens before there are children and messages."""

        def start(self, worker: WorkController) -> None:
            Shutdown(worker, settings, heartbeat).listen()
            if IS_HANGUP_IGNORED:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

    return ListenToSignals


def leave_stopping_to_parent(**_: Any) -> None:
    """A child ignores what its parent hears too."""
    for number in PARENTS:
        signal.signal(number, signal.SIG_IGN)
