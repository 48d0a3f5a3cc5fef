"""A bound on the bytes that were downloaded and not yet decoded."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class ByteGate:
    """Open while fewer bytes are held than allowed; for one event loop.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._is_open = asyncio.Event()
        self._is_open.set()

    async def wait_for_room(self) -> None:
        """Return once the gate is open."""
        await self._is_open.wait()

    @contextmanager
    def hold(self, length: int) -> Iterator[None]:
        """Count a body that is on its way through the decoders."""
        self._hold(length)
        try:
            yield
        finally:
            self._hold(-length)

    def _hold(self, change: int) -> None:
        self._held += change
        if self._held < self._limit:
            self._is_open.set()
        else:
            self._is_open.clear()
