"""Waiting for what another process does, never longer than asked."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(look: Callable[[], T], seconds: float, what: str, pause: float = 0.02) -> T:
    """The first true answer of `look`.

    Raises:
        TimeoutError: there was none within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)
