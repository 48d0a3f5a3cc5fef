"""The hosts of a batch, and the turns at them."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

from common.growth import MOST
from common.run.status import Status
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

    def turn(self, url: WebUrl, interval: float = 0.0) -> "HostTurn":
        """A slot of the URL's host while an `async with` block runs."""
        return HostTurn(self, url.canonical_host, interval)

    async def take(self, name: str, interval: float) -> Slot:
        """A slot of a host, to be left.

        Args:
            name: of the host, in its canonical form.
            interval: seconds between two requests that the host asks for.

        Raises:
            Failure: there is none in time, or the host is left alone for longer than that.
        """
        host = self._enter(name, interval)
        try:
            return await self._wait(host)
        except BaseException:
            self._forget(host)
            raise

    def leave(self, slot: Slot) -> None:
        """Leave a slot of `take`."""
        self._give_back(slot)
        self._forget(slot.host)

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
            return await turn.slot
        except asyncio.CancelledError:
            if turn.slot.done() and not turn.slot.cancelled() and turn.slot.exception() is None:
                self._give_back(turn.slot.result())  # it came just before
            raise

    def _give_back(self, slot: Slot) -> None:
        """Hand the slot to the next of ours while a URL still fits into its lease; else to the fleet."""
        host = slot.host
        host.held -= 1
        if not host.turns or self._is_over(slot) or not host.serve(slot):
            self._dealer.release(slot)
            if host.turns:
                self._dealer.want(host)

    def _is_over(self, slot: Slot) -> bool:
        host = slot.host
        is_held_back = host.interval > 0 or host.ask_at > time.monotonic()
        return is_held_back or host.held >= host.limit or not slot.lasts(self._timeout)

    def _forget(self, host: Host) -> None:
        """One user less; hosts in good standing that nobody uses are forgotten."""
        host.users -= 1
        if not host.users and not host.failures:
            self._hosts.pop(host.name, None)

    def _patience(self, reason: str) -> float:
        """A host that asked for it is waited for; one that is out of reach, no longer than a URL may take."""
        is_asked = reason.startswith((Status.HTTP_4XX.value, Status.HTTP_5XX.value))
        return self._time_left() if is_asked else self._timeout


class HostTurn:
    """A slot of a host while a block runs: each URL has one, and a generator would cost it more."""

    __slots__ = ("_hosts", "_interval", "_name", "_slot")

    def __init__(self, hosts: Hosts, name: str, interval: float) -> None:
        self._hosts, self._name, self._interval = hosts, name, interval

    async def __aenter__(self) -> Slot:
        self._slot = await self._hosts.take(self._name, self._interval)
        return self._slot

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hosts.leave(self._slot)
