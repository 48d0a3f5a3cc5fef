"""Concurrency and back-off for one (scheme, host, port)."""

import asyncio
import random
import time
from dataclasses import dataclass

from common.url import WebUrl
from workers.fetch.clock import Clock
from workers.fetch.failure import Failure

TOLERATED = 5  # consecutive failures before a host is left alone
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0


@dataclass(slots=True)
class Host:
    """Its slots, its consecutive failures and the end of its pause."""

    origin: str
    slots: asyncio.Semaphore
    users: int = 0
    failures: int = 0
    quiet_until: float = 0.0
    last: Failure | None = None

    def pause(self) -> float:
        """Seconds until the next request is allowed."""
        return max(0.0, self.quiet_until - time.monotonic())

    async def admit(self, clock: Clock) -> None:
        """Wait until a request is allowed; raise the last Failure if the URL has no time for that."""
        pause = self.pause()
        if self.last is not None and pause >= clock.left:
            raise Failure(self.last.status, f"host left alone after {self.last.detail}")
        if pause:
            await clock.sleep(pause)

    def record(self, failure: Failure | None) -> None:
        """Count a consecutive failure of the host; any other outcome ends the series."""
        if failure is None or not failure.trips:
            self.failures = 0
            return
        self.failures += 1
        self.last = failure
        pause = failure.busy_for if failure.busy_for is not None else self._back_off()
        self.quiet_until = max(self.quiet_until, time.monotonic() + min(pause, LONGEST_PAUSE))

    def _back_off(self) -> float:
        excess = self.failures - TOLERATED
        if excess < 0:
            return 0.0
        pause = min(FIRST_PAUSE * 2.0 ** min(excess, 10), LONGEST_PAUSE)
        return pause * random.uniform(0.75, 1.25)  # noqa: S311 - jitter

    @property
    def is_crowded(self) -> bool:
        """Whether all slots are busy, so that a connection will be reused."""
        return self.slots.locked()


class Hosts:
    """The hosts of a batch; idle ones without failures are dropped."""

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._hosts: dict[str, Host] = {}

    async def enter(self, url: WebUrl) -> Host:
        """Wait for one of the host's `per_host` slots; pair with `leave`."""
        origin = url.origin
        host = self._hosts.get(origin)
        if host is None:
            host = self._hosts[origin] = Host(origin, asyncio.Semaphore(self._per_host))
        host.users += 1
        try:
            await host.slots.acquire()
        except BaseException:
            self._drop_if_idle(host)
            raise
        return host

    def leave(self, host: Host) -> None:
        host.slots.release()
        self._drop_if_idle(host)

    def _drop_if_idle(self, host: Host) -> None:
        host.users -= 1
        if host.users == 0 and host.failures == 0 and host.pause() == 0:
            self._hosts.pop(host.origin, None)
