"""How often somebody may ask: a token bucket for each."""

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
        """Take a token: 0, or the seconds until there is one."""
        tokens = self._tokens(key)
        if tokens < 1:
            return (1 - tokens) / self._per_second
        self._set(key, tokens - 1)
        return 0

    def give_back(self, key: object) -> None:
        """It was well spent and does not count."""
        self._set(key, self._tokens(key) + 1)

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
