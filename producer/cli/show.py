"""The progress of a run on a terminal, or as JSON."""

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.live import Live

from producer.report import status_table

if TYPE_CHECKING:
    from producer.run_status import RunStatus
    from producer.status import StatusReader

WATCH_EVERY = 2.0
"""Seconds between two polls, more after a slow one."""


def print_status(state: "RunStatus", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(state.to_json()))
    else:
        Console().print(status_table(state))


def watch_status(reader: "StatusReader", *, as_json: bool) -> "RunStatus":
    """On a terminal one live table; elsewhere one JSON object per poll."""
    if as_json or not sys.stdout.isatty():
        return _follow(reader, lambda state: print_status(state, as_json=True))
    with Live(console=Console(), auto_refresh=False) as screen:
        return _follow(reader, lambda state: screen.update(status_table(state), refresh=True))


def _follow(reader: "StatusReader", show: Callable[["RunStatus"], None]) -> "RunStatus":
    while True:
        began = time.monotonic()
        state = reader.read()
        show(state)
        if state.is_finished:
            return state
        time.sleep(max(WATCH_EVERY, 5 * (time.monotonic() - began)))
