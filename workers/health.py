"""What a pool child tells its parent of its health: files in one folder, no broker needed.

alive             touched by the parent while work moves; a liveness probe looks at its age
ready             there while every child has its models and nothing is wrong with the surroundings
progress-<pid>    touched by a child when it begins a batch and when rows of it are done
ready-<pid>       there while a child has its models and its last batch did not fail for the surroundings
"""

import os
from collections.abc import Callable
from pathlib import Path

from common.settings import HealthSettings

ALIVE = "alive"
READY = "ready"
PROGRESS = "progress-"
CHILD_READY = "ready-"


class ChildHealth:
    """The signs of this process; does nothing where no folder is set."""

    def __init__(self, settings: HealthSettings) -> None:
        self._folder = Path(settings.folder) if settings.folder else None

    def progressed(self) -> None:
        self._touch(PROGRESS)

    def ready(self) -> None:
        """The models are there, and a batch can be done as far as anyone knows."""
        self._touch(CHILD_READY)

    def unready(self) -> None:
        """The surroundings fail: bucket, network, models or settings."""
        if self._folder is not None:
            (self._folder / f"{CHILD_READY}{os.getpid()}").unlink(missing_ok=True)

    def counting(self, advance: Callable[[int], None]) -> Callable[[int], None]:
        """`advance`, which is also progress."""

        def counted(rows: int) -> None:
            self.progressed()
            advance(rows)

        return counted

    def _touch(self, name: str) -> None:
        if self._folder is not None:
            (self._folder / f"{name}{os.getpid()}").touch()
