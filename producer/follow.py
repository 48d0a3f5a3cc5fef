"""Following a run until it ends: one live bar on a terminal, JSON log lines elsewhere."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from common.queue.live import LiveRun
from producer.status import RunStatus, StatusReader

LOOK_EVERY = 0.5
LOG_EVERY = 10.0
OK = "ok"

Show = Callable[[int, Counter[str]], None]
log = structlog.get_logger(__name__)


def follow(reader: StatusReader, live: LiveRun, check: Callable[[], None]) -> RunStatus:
    """Look at the broker's hints until nothing is queued, then at the output.

    Args:
        reader: of the run.
        live: of the same run.
        check: called at each look; raises to end it.
    """
    with _display(reader.rows) as show:
        while live.count_queued():
            check()
            counts = live.read_rows_by_status()
            show(counts.total() + sum(batch.done for batch in live.read_running()), counts)
            time.sleep(LOOK_EVERY)
        counts = live.read_rows_by_status()
        show(counts.total(), counts)
    return reader.read()


@contextmanager
def _display(rows: int) -> Iterator[Show]:
    console = Console(stderr=True)
    with _bar(console, rows) if console.is_terminal else _lines(rows) as show:
        yield show


@contextmanager
def _bar(console: Console, rows: int) -> Iterator[Show]:
    bar = Progress(
        TextColumn("captioning"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    task = bar.add_task("rows", total=rows, rate="")
    failures = Text()

    def show(done: int, counts: Counter[str]) -> None:
        speed = bar.tasks[0].speed
        bar.update(task, completed=done, rate=f"{speed:.1f} rows/s" if speed else "loading models")
        failures.plain = _failures(counts)

    with Live(Group(bar, failures), console=console):
        yield show


def _failures(counts: Counter[str]) -> str:
    return " ".join(f"{status} {count}" for status, count in counts.most_common() if status != OK)


@contextmanager
def _lines(rows: int) -> Iterator[Show]:
    last = time.monotonic()

    def show(done: int, counts: Counter[str]) -> None:
        nonlocal last
        if time.monotonic() - last >= LOG_EVERY or done == rows:
            last = time.monotonic()
            log.info("captioning", done=done, total=rows, by_status=dict(counts))

    yield show
