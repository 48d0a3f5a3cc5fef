"""The time that the models wait for the web."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class Patience:
    """Seconds left for waiting; they pass while the models wait and no body is with decoders or device.

    Args:
        seconds: in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._waiting = self._working = 0
        self._since = time.monotonic()

    @property
    def seconds_left(self) -> float:
        """Zero or less once the rest of the batch is late."""
        self._count()
        return self._left

    @contextmanager
    def count_waiting(self) -> Iterator[None]:
        """In the block the models have nothing to do."""
        self._count()
        self._waiting += 1
        try:
            yield
        finally:
            self._count()
            self._waiting -= 1

    def count_decoding(self) -> AbstractContextManager[None]:
        """In the block a body has arrived: the models do not wait for the web."""
        return self._stop()

    def count_captioning(self) -> AbstractContextManager[None]:
        """In the block the models have something to do: they do not wait for the web."""
        return self._stop()

    @contextmanager
    def _stop(self) -> Iterator[None]:
        self._count()
        self._working += 1
        try:
            yield
        finally:
            self._count()
            self._working -= 1

    def _count(self) -> None:
        now = time.monotonic()
        if self._waiting and not self._working:
            self._left -= now - self._since
        self._since = now
