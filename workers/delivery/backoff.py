"""Counts consecutive infrastructure failures; no messages are consumed while backing off."""

from common.delay import backoff_delay

SHORT_PAUSE = 1.0


class Backoff:
    """Exponential back-off of one process."""

    def __init__(self) -> None:
        self._failures = 0
        self.is_proven = False
        """Whether the batch before ended well: the next failure is hardly this worker's fault."""

    def reset(self) -> None:
        """A batch ended well."""
        self._failures = 0
        self.is_proven = True

    def next_pause(self, longest: float) -> float:
        """Seconds to wait now, twice as many each time."""
        self._failures += 1
        self.is_proven = False
        return backoff_delay(self._failures, longest)


backoff = Backoff()
