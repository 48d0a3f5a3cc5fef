"""Health signals of a pool child to its parent: files in one folder, independent of the broker.

alive             touched by the parent while work progresses; a liveness probe checks its age
ready             exists while every child has its models and the infrastructure works
progress-<pid>    touched by a child at the start of a batch, at each row done, and while it loads its models
ready-<pid>       exists while a child has its models and its last batch met no infrastructure failure
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.settings import HealthSettings

ALIVE = "alive"
READY = "ready"
PROGRESS = "progress-"
CHILD_READY = "ready-"


class ChildHealth:
    """The signals of this process; no-op without a folder."""

    def __init__(self, settings: HealthSettings) -> None:
        self._folder = Path(settings.folder) if settings.folder else None
        self._beat = settings.beat

    def mark_progress(self) -> None:
        self._touch(PROGRESS)

    def mark_ready(self) -> None:
        """Signal that the models are loaded and no infrastructure failure is known."""
        self._touch(CHILD_READY)

    def mark_unready(self) -> None:
        """Signal an infrastructure failure: bucket, network, models or settings."""
        if self._folder is not None:
            (self._folder / f"{CHILD_READY}{os.getpid()}").unlink(missing_ok=True)

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Signal progress while the block loads models: a slow volume is no standstill."""
        over = threading.Event()
        thread = threading.Thread(target=self._mark_until, args=(over,), name="loading", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def wrap_advance(self, advance: Callable[[int], None]) -> Callable[[int], None]:
        """`advance`, with a progress signal at each call."""

        def advance_and_mark(rows: int) -> None:
            self.mark_progress()
            advance(rows)

        return advance_and_mark

    def _mark_until(self, over: threading.Event) -> None:
        self.mark_progress()
        while not over.wait(self._beat):
            self.mark_progress()

    def _touch(self, name: str) -> None:
        if self._folder is not None:
            (self._folder / f"{name}{os.getpid()}").touch()
