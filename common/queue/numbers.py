"""Numbers that lie in Redis, where strangers write."""

import math
from contextlib import suppress

LONGEST = 20
"""Characters: a counter of Redis has no more."""


def parse_count(value: object) -> int | None:
    """A whole number of at least 0; None for everything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST else None


def parse_time(value: object) -> float | None:
    """Seconds since 1970; None for what are none."""
    with suppress(ValueError, OverflowError):
        seconds = float(str(value))
        return seconds if math.isfinite(seconds) else None
    return None
