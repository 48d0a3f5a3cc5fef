"""Default options of `celery -A workers flower`; the environment overrides them."""

import os
from collections.abc import Sequence

from celery import Celery

DEFAULTS = {
    "FLOWER_PURGE_OFFLINE_WORKERS": "300",  # spot nodes come and go
    "FLOWER_MAX_TASKS": "10000",
    "FLOWER_ENABLE_EVENTS": "false",  # workers send them anyway; this is a broadcast every five seconds
    "FLOWER_READ_ONLY": "true",  # remote control is off: its buttons would do nothing
    "FLOWER_TASKS_COLUMNS": "uuid,state,received,started,runtime,worker",
}
"""Flower reads its variables after the import of the app."""


def set_flower_defaults() -> None:
    """Set the defaults; without a password Flower listens on localhost only."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("FLOWER_BASIC_AUTH"):
        os.environ.setdefault("FLOWER_ADDRESS", "127.0.0.1")


def keep_flower_from_messages(app: Celery, arguments: Sequence[str]) -> None:
    """Flower takes no message, but kombu lets every client hand lost ones on: it looks where none is."""
    if "flower" in arguments:
        options = app.conf.broker_transport_options
        for name in ("unacked_key", "unacked_index_key", "unacked_mutex_key"):
            options[name] = options[name].replace("fleet:", "fleet:flower:", 1)
