"""The Celery app with every setting of the fleet: no command needs a flag."""

import os
from collections.abc import Iterable
from typing import Any

import structlog
from celery import Celery, signals

from common.queue.broker_url import parse_broker_url
from common.queue.kombu_queue import UNACKED, UNACKED_INDEX, UNACKED_MUTEX
from common.queue.loader import FleetLoader
from common.queue.message import QUEUE, TASK, Message
from common.settings import AUTO, Settings

FOREIGN = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL")

log = structlog.get_logger(__name__)

CHILD_START_SECONDS = 600
"""A child that has not come up by then is given up."""

MESSAGE_LIMIT = 1100
"""Bytes of one message in Redis, Celery's envelope included."""


def make_app(settings: Settings) -> Celery:
    """The app of producer, worker and Flower."""
    _ignore_foreign_brokers()
    broker = parse_broker_url(settings.broker_url).celery
    app = Celery("caption-fleet", broker=broker, set_as_current=False, loader=FleetLoader)
    app.conf.update(_broker(settings) | _delivery(settings) | _pool(settings) | _OBSERVED)
    return app


def _ignore_foreign_brokers() -> None:
    """Celery prefers these variables to any setting: the fleet would run through a stranger's Redis."""
    for name in FOREIGN:
        if os.environ.pop(name, None) is not None:
            log.warning("ignored: the broker is named by FLEET_BROKER_URL", variable=name)


def _broker(settings: Settings) -> dict[str, Any]:
    lease = settings.lease
    return {
        "broker_transport_options": {
            "visibility_timeout": lease.visibility_timeout,
            "unacked_key": UNACKED,  # kombu's own names would be shared with every other Celery app there
            "unacked_index_key": UNACKED_INDEX,
            "unacked_mutex_key": UNACKED_MUTEX,
            "unacked_restore_interval": lease.sweep,
            "unacked_restore_throttle": 1,  # kombu sweeps at every tenth interval otherwise
            "unacked_mutex_expire": max(lease.sweep, 5),  # a worker killed in a sweep blocks the others
            "socket_timeout": 30,
            "socket_connect_timeout": 10,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "retry_on_timeout": False,
            "client_name": "caption-fleet",
        },
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,  # a full or read-only broker is waited for, too
    }


def _delivery(settings: Settings) -> dict[str, Any]:
    return {
        "task_default_queue": QUEUE,
        "task_serializer": "json",
        "accept_content": ["json"],
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_timeout": False,
        "task_time_limit": settings.lease.time_limit,
    }


def _pool(settings: Settings) -> dict[str, Any]:
    return {
        "worker_pool": "prefork",
        "worker_pool_start_method": "spawn",  # CUDA survives no fork
        "worker_concurrency": 1 if settings.worker_processes == AUTO else settings.worker_processes,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_proc_alive_timeout": CHILD_START_SECONDS,
        "worker_soft_shutdown_timeout": settings.lease.grace,
        "worker_cancel_long_running_tasks_on_connection_loss": False,  # every Redis restart would kill them
        "worker_enable_remote_control": False,  # its pub/sub link makes a blip run a batch twice
    }


def _slim(headers: dict[str, Any], properties: dict[str, Any], **_: Any) -> None:
    """Drop empty headers and the reply address, which no message of ours uses."""
    for name in [name for name, value in headers.items() if value in (None, "", {})]:
        del headers[name]
    properties.pop("reply_to", None)


_OBSERVED = {"worker_send_task_events": True}  # Flower lives on them


def send(app: Celery, messages: Iterable[Message]) -> None:
    """Queue one task per message, all over one connection."""
    signals.before_task_publish.connect(_slim)
    with app.producer_pool.acquire(block=True) as producer:
        for message in messages:
            app.send_task(
                TASK,
                kwargs=message.model_dump(),
                task_id=message.batch_id,
                producer=producer,
                argsrepr="",
                kwargsrepr="",
                retry=False,
            )
