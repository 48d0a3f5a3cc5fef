"""The sites of a batch: robots.txt and tdmrep.json of each origin, known before it is asked for anything."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from common.run.status import Status
from common.settings import FetchSettings, MannersSettings
from common.settings.manners import honoured_signs
from common.signs import Family
from common.url import WebUrl, parse_url
from workers.fetch.asker import Asker
from workers.fetch.failure import Failure
from workers.fetch.places import Places
from workers.fetch.shared import Shared, SharedLostError
from workers.fetch.signs.robots_parser import parse_robots_txt
from workers.fetch.signs.robots_txt import ROBOTS_TXT, RobotsTxt
from workers.fetch.signs.rsl import LicenseRule, parse_rsl
from workers.fetch.signs.tdm import TdmRule, parse_tdm_file
from workers.fetch.site import KEPT, Site
from workers.fetch.small_file import fetch_small_file
from workers.fetch.target import require_target

TDMREP = "/.well-known/tdmrep.json"
LOOK = 0.3
"""Seconds between two looks whether another worker has found out."""

MAX_SHARED = 1 << 16
"""Bytes of an entry that is shared; longer ones each worker finds out for itself."""

IN_ROBOTS_TXT = (Family.ROBOTS_TXT, Family.CONTENT_USAGE, Family.CONTENT_SIGNAL, Family.LICENSE)
FREE = Site(float("inf"))

log = structlog.get_logger(__name__)


class Sites:
    """Knows sites, or finds out: one row for all rows of an origin, one worker for all workers.

    Args:
        fetch: time-outs and limits.
        manners: signs that are honoured.
        asker: asks for the files.
        shared: what other workers know.
        places: those who wait for others' answers leave theirs.
    """

    def __init__(
        self, fetch: FetchSettings, manners: MannersSettings, asker: Asker, shared: Shared, places: Places
    ) -> None:
        self._fetch, self._manners, self._asker = fetch, manners, asker
        self._shared, self._places = shared, places
        honoured = honoured_signs(fetch, manners)
        self._honoured = honoured
        self._has_robots = any(honoured.has(family) for family in IN_ROBOTS_TXT)
        self._has_tdm = honoured.has(Family.TDM_FILE)
        self._has_licenses = honoured.has(Family.LICENSE)
        self._known: dict[str, Site] = {}
        self._asked: dict[str, asyncio.Future[Site]] = {}
        self._has_network = False

    async def prepare(self, urls: Iterable[str | None]) -> None:
        """Read what is shared of all sites of a batch at once."""
        if not self._has_robots and not self._has_tdm:
            return
        origins = sorted(set(filter(None, map(_origin, urls))))
        try:
            entries = await self._shared.read_sites(origins)
        except SharedLostError:
            return
        for origin, entry in zip(origins, entries, strict=True):
            site = None if entry is None else Site.from_bytes(entry)
            if site is not None:
                self._known[origin] = site

    async def find(self, url: WebUrl) -> Site:
        """The site of a URL.

        Raises:
            Failure: its robots.txt is out of reach.
        """
        if not self._has_robots and not self._has_tdm:
            return FREE
        site = self._known.get(url.origin)
        if site is None or site.until <= time.time():
            site = await self._learn(url, site)
        site.raise_for_failure()
        return site

    async def _learn(self, url: WebUrl, stale: Site | None) -> Site:
        """Find out, or wait for the row that does."""
        asked = self._asked.get(url.origin)
        if asked is not None:
            with self._places.stepping_aside():
                return await asyncio.shield(asked)
        asked = self._asked[url.origin] = asyncio.get_running_loop().create_future()
        try:
            site = self._known[url.origin] = await self._find_out(url, stale)
        except BaseException as error:
            if isinstance(error, Failure):
                asked.set_exception(Failure(error.status, error.detail))
                asked.exception()  # nobody may wait for it
            else:
                asked.cancel()
            raise
        else:
            asked.set_result(site)
            return site
        finally:
            del self._asked[url.origin]

    async def _find_out(self, url: WebUrl, stale: Site | None) -> Site:
        while True:
            entry, is_ours = await self._claim(url.origin)
            site = None if entry is None else Site.from_bytes(entry)
            if site is not None and site.until > time.time():
                return site
            if is_ours:
                break
            with self._places.stepping_aside():
                await asyncio.sleep(LOOK)
        try:
            site = await self._fetch_site(url, site or stale or Site(0.0))
        except Exception:
            await self._tell(url.origin, None)
            raise
        self._has_network = self._has_network or not site.tries
        await self._tell(url.origin, site if self._has_network else None)
        return site

    async def _claim(self, origin: str) -> tuple[bytes | None, bool]:
        try:
            return await self._shared.claim_site(origin)
        except SharedLostError:
            return None, True

    async def _tell(self, origin: str, site: Site | None) -> None:
        """Share what was found out; None where it is only ours, because no site answered us yet."""
        entry = b"" if site is None else site.to_bytes()
        with suppress(SharedLostError):
            if 0 < len(entry) <= MAX_SHARED:
                await self._shared.write_site(origin, entry)
            else:
                await self._shared.leave_site(origin)

    async def _fetch_site(self, url: WebUrl, old: Site) -> Site:
        robots = old.robots
        if self._has_robots:
            try:
                body = await fetch_small_file(_file(url, ROBOTS_TXT), self._asker, self._fetch)
            except Failure as failure:
                return _out_of_reach(old, failure)
            robots = await asyncio.to_thread(_read_robots, body or b"", self._manners.kin)
        site = Site(time.time() + KEPT, robots)
        if robots.license and self._has_licenses:
            site = replace(site, licenses=await self._fetch_licenses(url, robots.license))
        return replace(site, tdm=await self._fetch_tdm(url, site)) if self._has_tdm else site

    async def _fetch_licenses(self, url: WebUrl, address: str) -> tuple[LicenseRule, ...]:
        """The terms to which a robots.txt points; what is not there or out of reach is not used."""
        try:
            target = require_target(address, _file(url, ROBOTS_TXT))
            body = await fetch_small_file(target, self._asker, self._fetch)
        except Failure:
            body = None
        log.info("licence terms offered", site=url.origin, terms=address, is_read=body is not None)
        return parse_rsl(body, url.authority) if body else ()

    async def _fetch_tdm(self, url: WebUrl, site: Site) -> tuple[TdmRule, ...]:
        """The rules of a tdmrep.json; one that is not there or out of reach is not used."""
        if site.robots.find_refusal(TDMREP, self._honoured) is not None:
            return ()
        try:
            body = await fetch_small_file(_file(url, TDMREP), self._asker, self._fetch)
        except Failure:
            return ()
        return parse_tdm_file(body) if body else ()


def _read_robots(body: bytes, kin: Sequence[str]) -> RobotsTxt:
    """A file, ready for use: a large one takes half a second."""
    robots = parse_robots_txt(body, kin)
    robots.rules  # noqa: B018 - built here, in a thread
    return robots


def _out_of_reach(old: Site, failure: Failure) -> Site:
    if failure.status is Status.BLOCKED:  # so is everything of this origin
        raise failure
    return old.out_of_reach(Failure(failure.status, f"robots.txt: {failure.detail}"), time.time())


def _file(url: WebUrl, target: str) -> WebUrl:
    return url._replace(target=target)


def _origin(url: str | None) -> str | None:
    try:
        return parse_url(url or "").origin
    except ValueError:
        return None
