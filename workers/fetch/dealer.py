"""Slots for all hosts of a batch, asked for and given back in few calls, so that no URL costs one."""

import asyncio
import os
import time
from collections.abc import Callable
from itertools import count

from workers.fetch.alone import Alone
from workers.fetch.failure import Failure
from workers.fetch.hearing import Hearing
from workers.fetch.host import FIRST_LOOK, Host, Slot, quiet_failure
from workers.fetch.shared import Answer, Quiet, Release, Shared, SharedLostError, Wish

GATHER = 0.01
"""Seconds in which wishes gather for one call."""

MOST_WISHES = 256
"""Of one call."""

LOST_SECONDS = 2.0
"""Before a state that was lost is asked again; meanwhile a host gets one request at a time from us."""

_PROCESS = f"{os.uname().nodename}:{os.getpid()}"


class DealerError(Exception):
    """The coroutine that deals slots died, by a fault of ours."""


class Dealer:
    """One coroutine that speaks with the shared state.

    Args:
        shared: the state.
        seconds: of a lease: as long as its URL may take, and a little longer.
        patience: seconds that a quiet with a reason may last, before rows that wait for its end are failures.
    """

    def __init__(self, shared: Shared, seconds: float, patience: Callable[[str], float]) -> None:
        self._shared, self._seconds, self._patience = shared, seconds, patience
        self._hungry: dict[str, Host] = {}
        self._releases: list[Release] = []
        self._quiets: list[Quiet] = []
        self._wake = asyncio.Event()
        self._numbers = count()
        self._alone = Alone(most=1)
        self._hearing = Hearing()
        self._lost_until = 0.0
        self._is_over = False
        self._task = asyncio.ensure_future(self._deal())
        self._task.add_done_callback(self._end)

    def want(self, host: Host) -> None:
        """Somebody waits for a slot of the host."""
        self._hungry[host.name] = host
        self._wake.set()
        if self._task.done():
            self._end(self._task)

    def release(self, slot: Slot) -> None:
        """Give a slot back."""
        self._releases.append(Release(slot.host.name, slot.name))
        self._wake.set()

    def hear(self, host: Host, failure: Failure | None, seconds: float) -> None:
        """Take what a host answered, after so many seconds."""
        if self._hearing.add(host, failure, seconds):
            host.shrink()
            self._wake.set()

    def silence(self, host: Host, quiet: Quiet) -> None:
        """Leave a host alone, and tell all that they should."""
        self._quiets.append(quiet)
        self._wake.set()
        self.hold_back(host, quiet.first if quiet.seconds is None else quiet.seconds, quiet.reason)

    def hold_back(self, host: Host, seconds: float, reason: str) -> None:
        """Let the host's rows wait, or end where that lasts too long."""
        host.hold_back(seconds, reason)
        self.check_patience(host)

    def check_patience(self, host: Host) -> None:
        """End the rows of a host that is left alone for too long."""
        if host.reason and host.quiet >= self._patience(host.reason):
            host.refuse(quiet_failure(host.reason))

    def give_up(self, failure: Failure) -> None:
        """Nobody waits any longer."""
        for host in self._hungry.values():
            host.refuse(failure)

    async def close(self) -> None:
        """Give back what is held."""
        self._is_over = True  # no cancellation: a time-out of the same instant would swallow it
        self._wake.set()
        await asyncio.wait([self._task])  # who waited for it has its error
        if self._releases or self._quiets:
            await self._exchange([])
        await self._tell()

    def _end(self, task: "asyncio.Task[None]") -> None:
        """Nobody waits for a coroutine that died: its error is everybody's."""
        error = None if task.cancelled() else task.exception()
        if error is None and self._is_over:
            return
        for host in self._hungry.values():
            host.end(lambda: DealerError(f"slots of hosts are dealt no more: {error!r}"))

    async def _deal(self) -> None:
        while not self._is_over:
            timer = self._wake_later()
            await self._wake.wait()
            if timer is not None:
                timer.cancel()
            await asyncio.sleep(GATHER)
            self._wake.clear()
            hosts = self._hosts_to_ask()
            if hosts or self._releases or self._quiets:
                await self._ask(hosts)
            if self._hearing.is_due:
                await self._tell()

    def _wake_later(self) -> asyncio.TimerHandle | None:
        """For the next look at a host whose slots were taken."""
        looks = [host.ask_at for host in self._hungry.values()]
        if not looks:
            return None
        seconds = max(0.0, min(looks) - time.monotonic())
        return asyncio.get_running_loop().call_later(seconds, self._wake.set)

    def _hosts_to_ask(self) -> list[Host]:
        """A host for each slot that is wanted now."""
        now = time.monotonic()
        self._hungry = {name: host for name, host in self._hungry.items() if host.turns}
        due = (host for host in self._hungry.values() if host.ask_at <= now)
        return [host for host in due for _ in range(host.wanted)][:MOST_WISHES]

    async def _ask(self, hosts: list[Host]) -> None:
        asked_at = time.monotonic()
        wishes = [self._wish(host) for host in hosts]
        try:
            answers = await self._exchange(wishes)
        finally:
            for host in hosts:
                host.wished -= 1
        for host, wish, answer in zip(hosts, wishes, answers, strict=True):
            self._apply(host, Slot(host, wish.slot, asked_at + self._seconds), answer)

    def _wish(self, host: Host) -> Wish:
        held = host.held + host.wished
        host.wished += 1
        return Wish(
            host.name, f"{_PROCESS}:{next(self._numbers)}", host.usual, host.most, host.interval, held
        )

    def _apply(self, host: Host, slot: Slot, answer: Answer) -> None:
        host.limit = answer.limit or host.limit
        host.is_contended = host.is_contended or answer.is_contended
        if answer.is_granted:
            host.look, host.ask_at, host.reason = FIRST_LOOK, 0.0, ""
            if not host.serve(slot):
                self.release(slot)
        elif answer.quiet:
            self.hold_back(host, answer.quiet, answer.reason)
        else:
            host.look_later()

    async def _tell(self) -> None:
        if time.monotonic() >= self._lost_until:
            try:
                await self._hearing.tell(self._shared)
            except SharedLostError:
                self._lost_until = time.monotonic() + LOST_SECONDS

    async def _exchange(self, wishes: list[Wish]) -> list[Answer]:
        releases, self._releases = self._releases, []
        quiets, self._quiets = self._quiets, []
        if time.monotonic() >= self._lost_until:
            try:
                return await self._shared.exchange(releases, quiets, wishes)
            except SharedLostError:  # what was held is free once its lease ends
                self._lost_until = time.monotonic() + LOST_SECONDS
        return await self._alone.exchange(releases, quiets, wishes)
