"""The fetcher of a batch: URLs in, bytes or a status out."""

import random
import ssl
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Self

from aiohttp import ClientSession
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from common.run.schema import Status
from common.settings import FetchSettings
from common.url import WebUrl
from workers.fetch.answer import find_redirect, raise_for_status
from workers.fetch.body import read_body
from workers.fetch.budget import Budget
from workers.fetch.connector import meter
from workers.fetch.descriptors import bound_flight
from workers.fetch.failure import Failure, classify
from workers.fetch.flight import Flight
from workers.fetch.guard import Guard
from workers.fetch.host import Host, Hosts
from workers.fetch.opt_out import opt_out_rule
from workers.fetch.resolver import Resolver
from workers.fetch.room import EXPANDED_BYTES, RECEIVED_BYTES, Pool, Rooms
from workers.fetch.session import open_session
from workers.fetch.shortage import Shortage
from workers.fetch.target import require_target
from workers.fetched import Fetched

_CLOSE = CIMultiDict({"Connection": "close"})  # aiohttp would make one of a dict, each time


class Fetcher:
    """Downloads for one batch; an asynchronous context manager.

    The caller starts as many downloads as it likes: no more are in flight than the settings, the host and
    this machine allow. `resolver` and `tls` replace the system's.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._guard = Guard(settings.allow_networks)
        self._hosts = Hosts(settings.per_host)
        self._resolver = resolver or Resolver()
        self._tls = tls
        self._flight = Flight(bound_flight(settings.concurrency))
        self._pools = Pool(RECEIVED_BYTES), Pool(max(EXPANDED_BYTES, settings.max_bytes))
        self._session: ClientSession

    async def __aenter__(self) -> Self:
        self._session = open_session(self._settings, self._guard, self._resolver, self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._resolver.close()

    def make_room(self) -> AbstractContextManager[Rooms]:
        """Memory for one body, to be held for as long as the body is: else it is lent to the next."""
        return Rooms.of(*self._pools)

    async def fetch(self, url: str, rooms: Rooms | None = None) -> Fetched:
        """Download a URL. Its own failures are outcomes and do not raise.

        Args:
            url: as it was found.
            rooms: of the caller who holds the body for long.

        Raises:
            ShortageError: this machine lacks descriptors, memory or ports, and waiting did not help.
        """
        with self.make_room() if rooms is None else nullcontext(rooms) as held:
            try:
                return Fetched(Status.OK, body=await self._follow(require_target(url), held))
            except Failure as failure:
                return Fetched(failure.status, failure.detail)

    async def _follow(self, url: WebUrl, rooms: Rooms) -> bytes:
        budget = Budget.of(self._settings, rooms)
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._try(url, budget)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise Failure(Status.TOO_MANY_REDIRECTS, f"more than {self._settings.max_redirects}")

    async def _try(self, url: WebUrl, budget: Budget) -> bytes | WebUrl:
        """One hop, retried where that may help and there is time."""
        for _ in range(self._settings.retries):
            bytes_left = budget.traffic.left
            try:
                return await self._hop(url, budget)
            except Failure as failure:
                if failure.retry_in is None or failure.retry_in * 1.5 >= budget.clock.left:
                    raise
                budget.traffic.left = bytes_left  # a broken download is no reason to refuse a whole one
                await budget.clock.sleep(failure.retry_in * random.uniform(1, 1.5))  # noqa: S311 - jitter
        return await self._hop(url, budget)

    async def _hop(self, url: WebUrl, budget: Budget) -> bytes | WebUrl:
        host = await self._hosts.enter(url)
        try:
            return await self._ask_in_turn(url, host, budget)
        finally:
            self._hosts.leave(host)

    async def _ask_in_turn(self, url: WebUrl, host: Host, budget: Budget) -> bytes | WebUrl:
        """Ask when host and machine are ready; a shortage of ours costs the URL neither time nor tries."""
        while True:
            await host.admit(budget.clock)
            seconds_left = budget.clock.left
            try:
                async with self._flight:
                    return await self._ask_once(url, host, budget)
            except Shortage as shortage:
                await self._flight.wait_out(shortage)
                budget.clock.left = seconds_left

    async def _ask_once(self, url: WebUrl, host: Host, budget: Budget) -> bytes | WebUrl:
        try:
            async with budget.clock:
                answer = await self._ask(url, host, budget)
        except Exception as error:  # noqa: BLE001 - every failure of the web is a status
            failure = budget.traffic.failure or classify(error)
            if isinstance(failure, Failure):
                host.record(failure)
            raise failure from None
        host.record(None)
        return answer

    async def _ask(self, url: WebUrl, host: Host, budget: Budget) -> bytes | WebUrl:
        headers = None if host.is_crowded else _CLOSE  # most hosts of a batch are met once
        async with self._session.get(
            _as_sent(url), allow_redirects=False, headers=headers, middlewares=(meter(budget.traffic),)
        ) as response:
            raise_for_status(response)
            rule = opt_out_rule(response.headers) if self._settings.opt_out else None
            if rule is not None:
                raise Failure(Status.OPT_OUT, rule)
            answer = find_redirect(response, url) or await read_body(
                response, self._settings.max_bytes, budget.rooms, budget.clock
            )
        budget.traffic.require_complete()
        return answer


def _as_sent(url: WebUrl) -> URL:
    """For aiohttp: yarl would encode it anew, and drop an empty query."""
    return URL.build(scheme=url.scheme, authority=url.authority, path=url.target, encoded=True)
