"""The number of URLs at work at once; those that wait for a busy host are not counted."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Places:
    """A bound on URLs at work; those that wait for a busy host are not counted.

    Args:
        limit: URLs that begin; as many again may come back from waiting.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._is_free = asyncio.Event()
        self._is_free.set()

    @property
    def room(self) -> int:
        """URLs that may come back from waiting."""
        return max(0, 2 * self._limit - self._taken)

    async def take(self) -> None:
        """Wait for a place and take it; pair with `leave`."""
        while self._taken >= self._limit:
            self._is_free.clear()
            await self._is_free.wait()
        self._taken += 1

    def leave(self) -> None:
        self._taken -= 1
        if self._taken < self._limit:
            self._is_free.set()

    def come_back(self) -> None:
        """Take a place at once, after `leave`."""
        self._taken += 1

    @contextmanager
    def stepping_aside(self) -> Iterator[None]:
        """Leave the place while the block runs."""
        self.leave()
        try:
            yield
        finally:
            self.come_back()
