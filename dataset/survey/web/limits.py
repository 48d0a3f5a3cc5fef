"""Rate limits: a token bucket for each client."""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MOST_KEYS = 10_000


class Limiter:
    """At most `burst` at once, then `per_second`.

    Args:
        per_second: tokens that come back.
        burst: tokens of a full bucket.
        clock: seconds.
    """

    def __init__(self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: dict[object, tuple[float, float]] = {}

    def wait(self, key: object) -> float:
        """Seconds until there is a token; 0 where there is one."""
        return max(0.0, (1 - self._tokens(key)) / self._per_second)

    def spend(self, key: object) -> None:
        """Take a token."""
        self._set(key, max(0.0, self._tokens(key) - 1))

    def _tokens(self, key: object) -> float:
        tokens, at = self._buckets.get(key, (self._burst, 0.0))
        return min(self._burst, tokens + (self._clock() - at) * self._per_second)

    def _set(self, key: object, tokens: float) -> None:
        if len(self._buckets) >= MOST_KEYS:
            self._buckets = {k: v for k, v in self._buckets.items() if self._tokens(k) < self._burst}
        self._buckets[key] = (tokens, self._clock())


def neighbourhood(host: str) -> str:
    """The address, or the /64 network that one IPv6 customer has for themselves."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(int(address) >> 64) if isinstance(address, IPv6Address) else host
