"""Progress of long work: a bar on a terminal, JSON log lines elsewhere; always on standard error."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LOG_EVERY = 10.0
"""Seconds between two log lines."""
OK = "ok"

Advance = Callable[[int], None]
log = structlog.get_logger(__name__)


class Show(Protocol):
    """Shows the state of some work."""

    def __call__(self, done: int, outcomes: Mapping[str, int], note: str = "") -> None:
        """Steps done so far, counts by outcome, and a line of status."""


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Advance]:
    """Show the progress of some work; the caller reports the size of each step.

    Args:
        what: the work, in two or three words.
        total: number of steps, None if unknown.
    """
    done, lock = 0, threading.Lock()
    with follow_progress(what, total) as show:

        def advance(steps: int) -> None:
            nonlocal done
            with lock:  # steps are done by several threads
                done += steps
                show(done, {})

        yield advance


@contextmanager
def follow_progress(what: str, total: int | None, unit: str = "", idle: str = "") -> Iterator[Show]:
    """Show the progress of some work; the caller reports its state as a whole.

    Args:
        what: the work, in two or three words.
        total: number of steps, None if unknown.
        unit: of the rate; the bar has none without it.
        idle: shown in place of the rate before the first step.
    """
    console = Console(stderr=True)
    bar = _bar(console, what, total, unit, idle) if console.is_terminal else _lines(what, total)
    with bar as show:
        yield show


@contextmanager
def _bar(console: Console, what: str, total: int | None, unit: str, idle: str) -> Iterator[Show]:
    bar = Progress(*_columns(unit), console=console)
    task = bar.add_task(what, total=total, rate=idle)
    failures = Text()

    def show(done: int, outcomes: Mapping[str, int], note: str = "") -> None:
        speed = bar.tasks[0].speed
        bar.update(task, completed=done, rate=f"{speed:.1f} {unit}/s" if speed else idle)
        failures.plain = "\n".join(filter(None, [_describe_failures(outcomes), note]))

    with Live(get_renderable=lambda: Group(bar, failures) if failures else bar, console=console):
        yield show


def _columns(unit: str) -> list[ProgressColumn]:
    rate = [TextColumn("{task.fields[rate]}")] if unit else []
    return [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *rate,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]


def _describe_failures(outcomes: Mapping[str, int]) -> str:
    counts = Counter(outcomes).most_common()
    return " ".join(f"{outcome} {count}" for outcome, count in counts if outcome != OK)


@contextmanager
def _lines(what: str, total: int | None) -> Iterator[Show]:
    last, told = time.monotonic(), ""
    state: dict[str, object] = {"done": 0}

    def show(done: int, outcomes: Mapping[str, int], note: str = "") -> None:
        nonlocal last, told
        if note != told:
            told = note
            if note:
                log.warning("waiting", what=what, reason=note)
        state["done"] = done
        if outcomes:
            state["by_status"] = dict(outcomes)
        if time.monotonic() - last >= LOG_EVERY:
            last = time.monotonic()
            log.info("progress", what=what, total=total, **state)

    yield show
    log.info("done", what=what, total=total, **state)
