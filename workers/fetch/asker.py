"""Requests, one at a time: in the host's turn, within this machine's limits, tried again where that helps."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import ClientResponse, ClientSession
from multidict import CIMultiDict
from yarl import URL

from common.errors import FleetError
from common.settings import FetchSettings
from common.url import WebUrl
from workers.fetch.budget import Budget
from workers.fetch.connector import meter
from workers.fetch.failure import Failure, classify
from workers.fetch.flight import Flight
from workers.fetch.host import Slot
from workers.fetch.hosts import Hosts
from workers.fetch.shortage import Shortage
from workers.fetch.signer import Signer

_CLOSE = CIMultiDict({"Connection": "close"})  # aiohttp would make one of a dict, each time

R = TypeVar("R")
Read = Callable[[ClientResponse], Awaitable[R]]


class Asker:
    """Asks hosts for URLs.

    Args:
        settings: time-outs and tries.
        session: guarded.
        hosts: whose turns are kept.
        flight: this machine's limit.
        signer: of the requests, if they are signed.
    """

    def __init__(
        self,
        settings: FetchSettings,
        session: ClientSession,
        hosts: Hosts,
        flight: Flight,
        signer: Signer | None = None,
    ) -> None:
        self._settings, self._session, self._hosts, self._flight = settings, session, hosts, flight
        self._signer = signer

    async def ask(
        self, url: WebUrl, budget: Budget, read: Read[R], *, interval: float = 0.0, keep: bool = False
    ) -> R:
        """What `read` makes of the response, retried where that may help and there is time.

        Args:
            url: as it is sent.
            budget: of the row, over all its hops.
            read: reads the response.
            interval: seconds between two requests that the host asks for.
            keep: whether the connection will be used again.

        Raises:
            Failure: of the last try.
            ShortageError: this machine lacks descriptors, memory or ports, and waiting did not help.
        """
        for _ in range(self._settings.retries):
            bytes_left = budget.traffic.left
            try:
                return await self._ask_in_turn(url, budget, read, interval, keep=keep)
            except Failure as failure:
                if failure.retry_in is None or failure.retry_in * 1.5 >= budget.clock.left:
                    raise
                budget.traffic.left = bytes_left  # a broken download is no reason to refuse a whole one
                await budget.clock.sleep(failure.retry_in * random.uniform(1, 1.5))  # noqa: S311 - jitter
        return await self._ask_in_turn(url, budget, read, interval, keep=keep)

    async def _ask_in_turn(
        self, url: WebUrl, budget: Budget, read: Read[R], interval: float, *, keep: bool
    ) -> R:
        """Ask when host and machine are ready; a shortage of ours costs the URL neither time nor tries."""
        while True:
            seconds_left = budget.clock.left
            try:
                async with self._hosts.turn(url, interval) as slot, self._flight:
                    if slot.lasts(seconds_left):  # else this process stood still, or the flight was full
                        return await self._ask_once(url, slot, budget, read, keep=keep)
            except Shortage as shortage:
                await self._flight.wait_out(shortage)
                budget.clock.left = seconds_left

    async def _ask_once(self, url: WebUrl, slot: Slot, budget: Budget, read: Read[R], *, keep: bool) -> R:
        seconds_left = budget.clock.left
        try:
            async with budget.clock:
                answer = await self._send(url, slot, budget, read, keep=keep)
        except FleetError:  # ours, and not the web's
            raise
        except Exception as error:  # noqa: BLE001 - every failure of the web is a status
            failure = budget.traffic.failure or classify(error)
            if isinstance(failure, Failure):
                self._hosts.record(slot.host, failure, seconds_left - budget.clock.left)
            raise failure from None
        self._hosts.record(slot.host, None, seconds_left - budget.clock.left)
        return answer

    async def _send(self, url: WebUrl, slot: Slot, budget: Budget, read: Read[R], *, keep: bool) -> R:
        headers = None if keep or slot.host.is_crowded else _CLOSE  # most hosts of a batch are met once
        if self._signer is not None:
            headers = CIMultiDict({**(headers or {}), **self._signer.sign(url)})
        async with self._session.get(
            _as_sent(url), allow_redirects=False, headers=headers, middlewares=(meter(budget.traffic),)
        ) as response:
            answer = await read(response)
        budget.traffic.require_complete()
        return answer


def _as_sent(url: WebUrl) -> URL:
    """For aiohttp: yarl would encode it anew, and drop an empty query."""
    return URL.build(scheme=url.scheme, authority=url.authority, path=url.target, encoded=True)
