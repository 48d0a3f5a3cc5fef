"""Memory for large bodies: they wait for one another, and small ones for none of them."""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

SMALL = 1 << 18
"""Bytes that a body may have without asking: most images are smaller."""

RECEIVED_BYTES = 256 << 20
EXPANDED_BYTES = 128 << 20
"""A pool of its own: a holder of the one that waited for the same could wait for ever."""


class Pool:
    """Bytes that are lent in the order of asking; for one event loop.

    Args:
        limit: bytes in all; a larger request gets all of them.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, count: int) -> int:
        """Wait for `count` bytes; returns the loan, to be given back."""
        count = min(count, self._limit)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((count, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was lent just before
                self.give(count)
            raise
        return count

    def give(self, count: int) -> None:
        """Take bytes back."""
        self._left += count
        self._serve()

    def _serve(self) -> None:
        while self._queue and (self._queue[0][1].done() or self._queue[0][0] <= self._left):
            count, turn = self._queue.popleft()
            if not turn.done():
                self._left -= count
                turn.set_result(None)


class Room:
    """What one body holds of a pool.

    Args:
        pool: that lends it.
    """

    __slots__ = ("_held", "_pool")

    def __init__(self, pool: Pool) -> None:
        self._pool, self._held = pool, 0

    async def take(self, count: int) -> None:
        """Wait until the body may have `count` bytes; ask once, for all that it may come to."""
        self.keep(0)
        if count > SMALL:
            self._held = await self._pool.take(count)

    def keep(self, count: int) -> None:
        """Give back all but `count` bytes, the length that it turned out to have."""
        surplus = self._held - (count if count > SMALL else 0)
        if surplus > 0:
            self._held -= surplus
            self._pool.give(surplus)


class Rooms:
    """Where a body is received, and where its content codings are undone; given back when the block ends."""

    __slots__ = ("expanded", "received")

    def __init__(self, received: Pool, expanded: Pool) -> None:
        self.received, self.expanded = Room(received), Room(expanded)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.received.keep(0)
        self.expanded.keep(0)
