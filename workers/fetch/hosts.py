"""The hosts of a batch, and the turns at them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from common.growth import MOST
from common.run.schema import Status
from common.settings import FetchSettings
from common.settings.host_budgets import HostBudgets
from common.url import WebUrl
from workers.fetch.dealer import Dealer
from workers.fetch.failure import Failure
from workers.fetch.host import Host, Slot, lease_of
from workers.fetch.places import Places
from workers.fetch.shared import Shared

HOST_BUDGET = "host budget"


class Hosts:
    """Gives turns; hosts in good standing that nobody uses are forgotten.

    Args:
        settings: budgets and time-outs.
        shared: what the fleet shares.
        places: those who wait for a busy host leave theirs.
        time_left: seconds that rows may wait.
        grows: whether budgets grow by measurement, where the operator gave none.
    """

    def __init__(
        self,
        settings: FetchSettings,
        shared: Shared,
        places: Places,
        time_left: Callable[[], float],
        *,
        grows: bool = False,
    ) -> None:
        self._budgets = HostBudgets.of(settings.host_budgets, settings.per_host)
        self._timeout, self._time_left, self._places = settings.timeout, time_left, places
        self._dealer = Dealer(shared, lease_of(settings.timeout), self._patience)
        self._most = MOST if grows else 0
        self._hosts: dict[str, Host] = {}

    @asynccontextmanager
    async def turn(self, url: WebUrl, interval: float = 0.0) -> AsyncIterator[Slot]:
        """A slot of the URL's host while the block runs.

        Raises:
            Failure: there is none in time, or the host is left alone for longer than that.
        """
        host = self._enter(url.canonical_host, interval)
        try:
            slot = await self._wait(host)
            try:
                yield slot
            finally:
                self._leave(slot)
        finally:
            host.users -= 1
            if not host.users and not host.failures:
                self._hosts.pop(host.name, None)

    def record(self, host: Host, failure: Failure | None, seconds: float) -> None:
        """Count what the host answered, after so many seconds."""
        self._dealer.hear(host, failure, seconds)
        quiet = host.record(failure)
        if quiet is not None:
            self._dealer.silence(host, quiet)

    def give_up(self) -> None:
        """Rows that still wait for a slot have waited long enough."""
        self._dealer.give_up(Failure(Status.TIMEOUT, HOST_BUDGET))

    async def close(self) -> None:
        await self._dealer.close()

    def _enter(self, name: str, interval: float) -> Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = self._make_host(name)
        host.interval = max(host.interval, interval)
        host.users += 1
        return host

    def _make_host(self, name: str) -> Host:
        agreed = self._budgets.find(name)
        if agreed is not None:
            return Host(name, agreed, self._places)
        return Host(name, self._budgets.usual, self._places, self._most)

    async def _wait(self, host: Host) -> Slot:
        turn = host.queue()
        self._dealer.check_patience(host)
        self._dealer.want(host)
        try:
            slot = await turn.slot
        except asyncio.CancelledError:
            if turn.slot.done() and not turn.slot.cancelled() and turn.slot.exception() is None:
                self._leave(turn.slot.result())  # it came just before
            raise
        return slot

    def _leave(self, slot: Slot) -> None:
        """Hand the slot to the next of ours while a URL still fits into its lease; else give it back."""
        host = slot.host
        host.held -= 1
        is_over = host.interval or host.ask_at > time.monotonic() or host.held >= host.limit
        if is_over or not slot.lasts(self._timeout) or not host.serve(slot):
            self._dealer.release(slot)
            if host.turns:
                self._dealer.want(host)

    def _patience(self, reason: str) -> float:
        """A host that asked for it is waited for; one that is out of reach, no longer than a URL may take."""
        is_asked = reason.startswith((Status.HTTP_4XX.value, Status.HTTP_5XX.value))
        return self._time_left() if is_asked else self._timeout
