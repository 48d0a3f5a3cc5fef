"""The time that one URL may take."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Clock:
    """Seconds left for a URL. It runs while we work for it, not while it waits for a slot of its host."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Spend time; TimeoutError when none is left."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.left):
                yield
        finally:
            self.left -= time.monotonic() - started

    async def sleep(self, seconds: float) -> None:
        """Wait, at the URL's expense."""
        self.left -= seconds
        await asyncio.sleep(seconds)
