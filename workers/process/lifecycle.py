"""Start, stop and logs of a worker process, on Celery's signals: no command needs a flag."""

import sys
from typing import Any

import structlog
from billiard import current_process
from billiard.util import get_logger
from celery import signals
from celery.utils.nodenames import node_format
from celery.worker import WorkController

from common.console.cli import fail
from common.console.logs import configure_logs
from common.errors import FleetError
from common.settings import Settings
from workers.delivery.heartbeat import Heartbeat
from workers.delivery.worker_id import new_worker_id
from workers.device.share import set_process_index
from workers.health import ChildHealth
from workers.process.divide_machine import divide_machine
from workers.process.flower_defaults import set_flower_defaults
from workers.process.health_step import watch_health
from workers.process.metrics_server import serve_metrics
from workers.process.shutdown_step import leave_stopping_to_parent, shutdown_step
from workers.process.startup import require_infrastructure
from workers.process.warm_up import show_metrics, warm_up

log = structlog.get_logger(__name__)

HEARTBEAT = 10
"""Seconds between two events that show a worker to Flower."""


def connect_lifecycle(settings: Settings) -> None:
    """Connect the signal handlers of this process, parent or child."""
    set_flower_defaults()
    heartbeat = Heartbeat(settings)
    signals.setup_logging.connect(_configure_logs, weak=False)
    signals.task_prerun.connect(_bind_batch, weak=False)
    signals.task_prerun.connect(lambda **_: ChildHealth(settings.health).mark_progress(), weak=False)
    signals.task_postrun.connect(_unbind_batch, weak=False)

    def _before_start(sender: WorkController, **_: Any) -> None:
        divided = divide_machine(settings)
        sender.app.conf.worker_concurrency = divided.worker_processes
        _prepare(sender, divided)
        new_worker_id()
        sender.app.steps["worker"].add(shutdown_step(settings, heartbeat))
        sender.options.update(without_gossip=True, without_mingle=True, heartbeat_interval=HEARTBEAT)
        sender.quiet = sender.quiet or not sys.stdout.isatty()

    def _when_ready(**_: Any) -> None:
        if not settings.fetch.contact:
            log.warning("FLEET_FETCH_CONTACT is not set: batches with public addresses go back to the queue")
        heartbeat.start()

    signals.worker_init.connect(_before_start, weak=False)
    signals.worker_process_init.connect(leave_stopping_to_parent, weak=False)
    signals.worker_process_init.connect(lambda **_: show_metrics(settings), weak=False)
    signals.worker_process_init.connect(lambda **_: _begin_child(settings), weak=False)
    signals.worker_ready.connect(_when_ready, weak=False)


def _begin_child(settings: Settings) -> None:
    set_process_index(current_process().index)
    warm_up(settings)


def _configure_logs(logfile: str | None = None, **_: Any) -> None:
    try:
        configure_logs(file=logfile or None)
    except FleetError as error:
        raise SystemExit(fail(error)) from error
    get_logger().propagate = True  # billiard's own handler would print plain text


def _bind_batch(task_id: str, **_: Any) -> None:
    structlog.contextvars.bind_contextvars(batch=task_id)


def _unbind_batch(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


def _prepare(worker: WorkController, settings: Settings) -> None:
    _configure_logs(worker.logfile and node_format(worker.logfile, worker.hostname))
    try:
        _require_prefork(worker)
        require_infrastructure(settings)
        serve_metrics(settings.metrics, settings.health)
        watch_health(worker, settings)
    except FleetError as error:
        if worker.logfile:  # the operator may have no other place to look
            log.critical("the worker cannot start", reason=str(error))
        raise SystemExit(fail(error)) from error


def _require_prefork(worker: WorkController) -> None:
    """Only processes have time limits, and give their batches back on SIGTERM."""
    pool = worker.pool_cls
    name = pool if isinstance(pool, str) else pool.__module__
    if "prefork" not in name and name != "processes":
        raise FleetError(f"--pool {name.rpartition('.')[2]}: only prefork can be used; leave the option out")
