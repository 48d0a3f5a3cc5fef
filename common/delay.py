"""Delays of exponential back-off."""

FIRST = 2.0
LONGEST = 60.0


def backoff_delay(failures: int, longest: float = LONGEST) -> float:
    """Seconds to wait after `failures` consecutive failures: 2, 4, 8... up to `longest`."""
    return float(min(FIRST * 2.0 ** min(failures - 1, 32), longest))
