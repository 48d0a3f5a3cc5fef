"""Options of `celery -A workers flower` that nobody should have to know; the environment still wins."""

import os

DEFAULTS = {
    "FLOWER_PURGE_OFFLINE_WORKERS": "300",  # spot nodes come and go
    "FLOWER_MAX_TASKS": "10000",
    "FLOWER_ENABLE_EVENTS": "false",  # workers send them anyway; this is a broadcast every five seconds
    "FLOWER_READ_ONLY": "true",  # remote control is off: its buttons would do nothing
    "FLOWER_TASKS_COLUMNS": "uuid,state,received,started,runtime,worker",
}
"""Flower reads variables when it starts, after it has imported the app."""


def set_flower_defaults() -> None:
    """Without a password Flower listens on this machine alone."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    if not os.environ.get("FLOWER_BASIC_AUTH"):
        os.environ.setdefault("FLOWER_ADDRESS", "127.0.0.1")
