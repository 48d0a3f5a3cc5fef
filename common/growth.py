"""How the budget of a host grows by measurement.

Additive increase, multiplicative decrease, as in TCP (RFC 5681): a slot more after `EVERY` answers without a
complaint; half of them, but no fewer than at first, with one. A complaint is an answer that asks for peace,
an error of the server, a time-out; or that half of the answers take longer than at the host's best.
"""

import math

EVERY = 100
"""Answers without a complaint that bring a slot."""

MOST = 16
"""Slots to which a budget grows."""

KEPT = 3600
"""Seconds without an answer after which a host's growth is forgotten."""

STEPS = 4
SLOWER = 2
"""Steps of time an octave; so many more, a factor of 1.4, are slower."""


def time_step(seconds: float) -> int:
    """The step of an answer's time: a quarter of an octave each, from a millisecond on."""
    return round(STEPS * math.log2(max(1.0, 1000 * seconds)))
