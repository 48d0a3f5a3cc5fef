"""A deadline for one URL that stands still while it waits its turn."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Clock:
    """Seconds left for a URL, spent inside `async with`; TimeoutError when none is left."""

    __slots__ = ("_started", "_timeout", "left")

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    async def __aenter__(self) -> Self:
        self._started = time.monotonic()
        self._timeout = asyncio.timeout(self.left)
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.left -= time.monotonic() - self._started
        await self._timeout.__aexit__(kind, error, trace)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Stop the URL's clock for a block inside `async with`."""
        began, due = time.monotonic(), self._timeout.when()
        if self._timeout.expired() or due is None:
            yield
            return
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            waited = time.monotonic() - began
            self._started += waited
            self._timeout.reschedule(due + waited)

    async def sleep(self, seconds: float) -> None:
        """Wait, at the URL's expense."""
        self.left -= seconds
        await asyncio.sleep(seconds)
