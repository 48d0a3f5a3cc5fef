"""Adaptive limit on downloads in flight, lowered while this machine is short of a resource."""

import asyncio
import random
import time
from collections import deque
from types import TracebackType
from typing import Self

from common.errors import FleetError
from workers.fetch.shortage import Shortage

PATIENCE = 90.0
"""Seconds of shortage, without one download that gets through, before a batch is given back.

A closed connection holds its port for 60."""

PAUSE = 0.2


class ShortageError(FleetError):
    """This worker cannot download for want of descriptors, memory or ports of its own."""

    label = "ShortageError"


class Flight:
    """A limit on concurrent downloads, each inside `async with`.

    Additive increase, multiplicative decrease, as in TCP (RFC 5681): a Shortage that leaves the block halves
    what is allowed, a download that ends otherwise adds to it.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._running = 0
        self._turns: deque[asyncio.Future[None]] = deque()
        self._short_since: float | None = None

    @property
    def allowed(self) -> int:
        return int(self._allowed)

    async def __aenter__(self) -> Self:
        if self._running < self.allowed and not self._turns:
            self._running += 1
            return self
        turn = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # it was given the place just before
                self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Shortage):
            self._allowed = max(1.0, min(self._allowed, self._running) / 2)
        elif self._short_since is not None or self._allowed < self._most:
            self._short_since = None
            self._allowed = min(self._allowed + 1 / self._allowed, self._most)
        self._leave()

    async def wait_out(self, shortage: Shortage) -> None:
        """Pause after a Shortage.

        Raises:
            ShortageError: it has lasted for too long.
        """
        now = time.monotonic()
        self._short_since = self._short_since or now
        if now - self._short_since > PATIENCE:
            raise ShortageError(f"this worker is short of {shortage.advice}")
        await asyncio.sleep(PAUSE * random.uniform(1, 2))  # noqa: S311 - jitter

    def _leave(self) -> None:
        self._running -= 1
        while self._turns and self._running < self.allowed:
            turn = self._turns.popleft()
            if not turn.done():
                self._running += 1
                turn.set_result(None)
