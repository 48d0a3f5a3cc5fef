"""CPU time for one image in a thread, which cannot be ended from outside."""

import time
from io import BytesIO

from workers.decode.error import SlowImageError


class Budget:
    """CPU seconds that the calling thread may spend from now on.

    Args:
        seconds: `math.inf` where a process's own limit applies instead.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.thread_time() + seconds

    def check(self) -> None:
        """Raise SlowImageError once the time is spent."""
        if time.thread_time() > self._end:
            raise SlowImageError

    def open(self, body: bytes) -> "BudgetFile":
        """The body as a file that decoders read."""
        return BudgetFile(body, self)


SMALL = 1024
SMALL_READS = 256
"""Reads of a few bytes between two looks at the clock, which costs as much as such a read."""


class BudgetFile(BytesIO):
    """Checks the budget as it is read: Pillow's decoders take at most 64 KiB at a time."""

    def __init__(self, body: bytes, budget: Budget) -> None:
        super().__init__(body)
        self._budget = budget
        self._reads = 0

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads += 1
        if size is None or not 0 <= size < SMALL or not self._reads % SMALL_READS:
            self._budget.check()
        return super().read(size)
