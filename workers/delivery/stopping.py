"""SIGTERM, as preemption and scaling down send it: batches go back, and the process ends in any case."""

import os
import threading

import structlog
from celery.worker import WorkController, state

from common.settings import Settings
from workers.delivery.heartbeat import excuse_running_batches

GOODBYE = 6.0
"""Seconds beyond `lease.grace` after which the process ends unconditionally."""

log = structlog.get_logger(__name__)


def stop_soon_on_sigterm(worker: WorkController, settings: Settings) -> None:
    """SIGTERM puts running batches back within `lease.grace`, instead of waiting for their end."""
    from celery.apps.worker import (  # noqa: PLC0415 - imported too early it reads other signals' settings
        install_worker_term_hard_handler,
        on_cold_shutdown,
    )

    def stop(worker: WorkController) -> None:
        _end_in(settings.lease.grace + GOODBYE)
        excuse_running_batches(state.active_requests, settings)
        on_cold_shutdown(worker)

    install_worker_term_hard_handler(worker, sig="SIGTERM", callback=stop)


def _end_in(seconds: float) -> None:
    """Celery may wait for its broker for ever; what is not acknowledged comes back to the queue anyway."""
    timer = threading.Timer(seconds, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    log.error("stopping takes too long: ends now")
    os._exit(1)
