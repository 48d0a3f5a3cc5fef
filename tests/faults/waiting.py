"""Waiting for other processes: bounds are a quiet machine's, and stretch with the load of a busy one."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def slowness() -> float:
    """How much longer than on a quiet machine anything may take: processes that want to run, by core."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def until(look: Callable[[], T], seconds: float, what: str, pause: float = 0.02) -> T:
    """The first true answer of `look`.

    Raises:
        TimeoutError: there was none within `seconds` of a quiet machine.
    """
    began = time.monotonic()
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() - began > seconds * slowness():
            raise TimeoutError(f"{what}: not within {seconds} s, {slowness():.1f} times over")
        time.sleep(pause)
