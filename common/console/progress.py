"""Progress of long work: a bar on a terminal, JSON log lines elsewhere; always on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

LOG_EVERY = 10.0
"""Seconds between two log lines."""

Advance = Callable[[int], None]
log = structlog.get_logger(__name__)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """Show how far some work is; the caller reports each step's size.

    Args:
        what: the work, as two or three words.
        total: steps in all, None where nobody knows.
    """
    console = Console(stderr=True)
    with _bar(console, what, total) if console.is_terminal else _lines(what, total) as advance:
        yield advance


@contextmanager
def _bar(console: Console, what: str, total: int | None) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


@contextmanager
def _lines(what: str, total: int | None) -> Iterator[Advance]:
    done, last = 0, time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done, last
        done += steps
        if time.monotonic() - last >= LOG_EVERY:
            last = time.monotonic()
            log.info("progress", what=what, done=done, total=total)

    yield advance
    log.info("done", what=what, done=done, total=total)
