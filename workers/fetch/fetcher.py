"""The fetcher of a batch: URLs in, bytes or a status out."""

import ssl
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from types import TracebackType
from typing import Self

from aiohttp import ClientResponse, ClientSession
from aiohttp.abc import AbstractResolver

from common.run.status import Status
from common.settings import FetchSettings, MannersSettings
from common.settings.manners import honoured_signs
from common.signs import Family
from common.url import WebUrl
from workers.fetch.alone import Alone
from workers.fetch.answer import find_redirect, is_redirect, raise_for_status
from workers.fetch.asker import Asker
from workers.fetch.body import read_body
from workers.fetch.budget import Budget
from workers.fetch.descriptors import bound_flight
from workers.fetch.failure import Failure
from workers.fetch.flight import Flight
from workers.fetch.guard import Guard
from workers.fetch.hosts import Hosts
from workers.fetch.places import Places
from workers.fetch.resolver import Resolver
from workers.fetch.room import EXPANDED_BYTES, RECEIVED_BYTES, Pool, Rooms
from workers.fetch.session import open_session
from workers.fetch.shared import Shared
from workers.fetch.signer import open_signer
from workers.fetch.signs.response import find_header_sign
from workers.fetch.signs.rsl import find_license_refusal
from workers.fetch.signs.tdm import find_tdm_rule
from workers.fetch.site import Site
from workers.fetch.sites import Sites
from workers.fetch.target import require_target
from workers.fetched import Fetched

MAX_DELAY = 30.0
"""Seconds between two requests; a host that asks for longer ones gets none."""


class Fetcher:
    """Downloads for one batch; an asynchronous context manager.

    The caller starts as many downloads as it likes: no more are in flight than the settings, the host and
    this machine allow.

    Args:
        settings: limits and time-outs.
        manners: what is owed to the sites.
        shared: what the fleet shares; a worker by itself shares nothing.
        time_left: seconds that rows may still wait for their host.
        resolver: replaces the system's.
        tls: replaces the system's trust.

    Raises:
        SignatureKeyError: requests are to be signed, and the key cannot be used.

    Attributes:
        places: a caller with many URLs takes one for each.
    """

    def __init__(
        self,
        settings: FetchSettings,
        manners: MannersSettings | None = None,
        *,
        shared: Shared | None = None,
        time_left: Callable[[], float] | None = None,
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._settings = settings
        self._manners = manners or MannersSettings()
        self._honoured = honoured_signs(settings, self._manners)
        self._guard = Guard(settings.allow_networks, has_contact=bool(settings.contact))
        self._shared = shared or Alone()
        self._time_left = time_left or (lambda: settings.batch_timeout)
        self._resolver = resolver or Resolver()
        self._tls = tls
        self._signer = open_signer(self._manners)
        self._flight = Flight(bound_flight(settings.in_flight))
        self._pools = Pool(RECEIVED_BYTES), Pool(max(EXPANDED_BYTES, settings.max_bytes))
        self.places = Places(settings.in_flight)
        self._session: ClientSession
        self._hosts: Hosts
        self._asker: Asker
        self._sites: Sites

    async def __aenter__(self) -> Self:
        settings, shared = self._settings, self._shared
        self._session = open_session(settings, self._guard, self._resolver, self._tls)
        self._hosts = Hosts(settings, shared, self.places, self._time_left, grows=self._manners.growth)
        self._asker = Asker(settings, self._session, self._hosts, self._flight, self._signer)
        self._sites = Sites(settings, self._manners, self._asker, shared, self.places)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hosts.close()
        await self._shared.close()
        await self._session.close()
        await self._resolver.close()

    async def prepare(self, urls: Iterable[str | None]) -> None:
        """Look up what the fleet knows of the URLs' sites, all at once."""
        await self._sites.prepare(urls)

    def give_up(self) -> None:
        """Time is over: rows that wait for their host are failures now."""
        self._hosts.give_up()

    def make_room(self) -> AbstractContextManager[Rooms]:
        """Memory for one body, to be held for as long as the body is: else it is lent to the next."""
        return Rooms(*self._pools)

    async def fetch(self, url: str, rooms: Rooms | None = None) -> Fetched:
        """Download a URL. Its own failures are outcomes and do not raise.

        Args:
            url: as it was found.
            rooms: of the caller who holds the body for long.

        Raises:
            ShortageError: this machine lacks descriptors, memory or ports, and waiting did not help.
            ContactError: a public address, and there is no contact.
        """
        with self.make_room() if rooms is None else nullcontext(rooms) as held:
            try:
                return Fetched(Status.OK, body=await self._follow(require_target(url), held))
            except Failure as failure:
                return Fetched(failure.status, failure.detail)

    async def _follow(self, url: WebUrl, rooms: Rooms) -> bytes:
        budget = Budget.of(self._settings, rooms)
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._hop(url, budget)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise Failure(Status.TOO_MANY_REDIRECTS, f"more than {self._settings.max_redirects}")

    async def _hop(self, url: WebUrl, budget: Budget) -> bytes | WebUrl:
        """One request, if the site has nothing against it."""
        site = await self._sites.find(url)
        rule = site.robots.find_refusal(url.target, self._honoured) or self._find_terms(url, site)
        if rule is not None:
            raise Failure(Status.OPT_OUT, rule)
        if site.robots.delay > MAX_DELAY:
            raise Failure(Status.TIMEOUT, f"robots.txt: Crawl-delay: {site.robots.delay:g}")
        return await self._asker.ask(
            url, budget, partial(self._read, url, site, budget), interval=site.robots.delay
        )

    def _find_terms(self, url: WebUrl, site: Site) -> str | None:
        if not site.licenses or not self._honoured.has(Family.LICENSE):
            return None
        refusal = find_license_refusal(site.licenses, url.target)
        return refusal and f"{Family.LICENSE.value}: {refusal}"

    async def _read(
        self, url: WebUrl, site: Site, budget: Budget, response: ClientResponse
    ) -> bytes | WebUrl:
        raise_for_status(response, self._honoured)
        self._raise_for_signs(url, site, response)
        return find_redirect(response, url) or await read_body(
            response, self._settings.max_bytes, budget.rooms, budget.clock
        )

    def _raise_for_signs(self, url: WebUrl, site: Site, response: ClientResponse) -> None:
        location = find_tdm_rule(site.tdm, url.target) if site.tdm else None
        rule = find_header_sign(response.headers, self._honoured, location, strict=self._manners.strict_tdm)
        if rule is not None:
            raise Failure(Status.OPT_OUT, f"redirect: {rule}" if is_redirect(response) else rule)
