"""URLs in, bytes or a status out: one guarded HTTP session for a batch."""

import random
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from common import __version__
from common.run.schema import Status
from common.settings import FetchSettings
from workers.fetch.answer import raise_for_status, redirection
from workers.fetch.body import read_body
from workers.fetch.clock import Clock
from workers.fetch.failure import Failure, classify
from workers.fetch.guard import Guard
from workers.fetch.host import Host, Hosts
from workers.fetch.opt_out import AGENT, opt_out_rule
from workers.fetch.resolver import Resolver
from workers.fetch.target import target

NAMES_CACHED = 10_000
NAME_SECONDS = 300
KEEP_ALIVE_SECONDS = 2
READ_AHEAD = 1 << 20
"""Bytes buffered a connection; at aiohttp's own 64 KiB large bodies over TLS broke off under uvloop."""
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a URL. There is a body only where the status is ok, else `error` says why."""

    status: Status
    error: str | None = None
    body: bytes | None = None


class Fetcher:
    """Downloads for one batch; an asynchronous context manager.

    How many URLs are in flight is the caller's choice, how many per host is ours. `resolver` and `tls`
    replace the system's.
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
        self._session: ClientSession

    async def __aenter__(self) -> Self:
        connector = TCPConnector(
            socket_factory=self._guard.open_socket,
            resolver=self._resolver,
            ttl_dns_cache=NAME_SECONDS,
            dns_cache_max_size=NAMES_CACHED,
            ssl=self._tls or True,
            limit=0,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=self._timeouts(),
            read_bufsize=READ_AHEAD,
            headers=self._headers(),
            middlewares=(_once,),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
        await self._resolver.close()

    async def fetch(self, url: str) -> Fetched:
        """The bytes at a URL, or why not. Raises for nothing that the URL or the web does."""
        try:
            return Fetched(Status.OK, body=await self._follow(target(url)))
        except Failure as failure:
            return Fetched(failure.status, failure.detail)

    async def _follow(self, url: URL) -> bytes:
        clock = Clock(self._settings.timeout)
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._try(url, clock)
            if isinstance(answer, bytes):
                return answer
            url = answer
        raise Failure(Status.TOO_MANY_REDIRECTS, f"more than {self._settings.max_redirects}")

    async def _try(self, url: URL, clock: Clock) -> bytes | URL:
        """One hop, again where that may help and there is time."""
        for _ in range(self._settings.retries):
            try:
                return await self._hop(url, clock)
            except Failure as failure:
                if failure.retry_in is None or failure.retry_in * 1.5 >= clock.left:
                    raise
                await clock.sleep(failure.retry_in * random.uniform(1, 1.5))  # noqa: S311 - jitter
        return await self._hop(url, clock)

    async def _hop(self, url: URL, clock: Clock) -> bytes | URL:
        host = await self._hosts.enter(url)
        try:
            await host.admit(clock)
            return await self._ask_once(url, host, clock)
        finally:
            self._hosts.leave(host)

    async def _ask_once(self, url: URL, host: Host, clock: Clock) -> bytes | URL:
        try:
            async with clock:
                answer = await self._ask(url, host)
        except Exception as error:  # noqa: BLE001 - whatever the web does is a status
            failure = classify(error)
            host.record(failure)
            raise failure from None
        host.record(None)
        return answer

    async def _ask(self, url: URL, host: Host) -> bytes | URL:
        headers = None if host.crowded else _CLOSE  # most hosts of a batch are met once
        async with self._session.get(url, allow_redirects=False, headers=headers) as response:
            raise_for_status(response)
            rule = opt_out_rule(response.headers) if self._settings.opt_out else None
            if rule is not None:
                raise Failure(Status.OPT_OUT, rule)
            return redirection(response) or await read_body(response, self._settings.max_bytes)

    def _timeouts(self) -> ClientTimeout:
        """For connecting and silence; the whole is the clock's business."""
        return ClientTimeout(
            total=None,
            sock_connect=self._settings.connect_timeout,
            sock_read=self._settings.read_timeout,
            ceil_threshold=60,  # aiohttp would round longer ones up to whole seconds
        )

    def _headers(self) -> dict[str, str]:
        contact = f" (+{self._settings.contact})" if self._settings.contact else ""
        return {
            "User-Agent": f"{AGENT}/{__version__}{contact}",
            "Accept": "image/jpeg,image/png,image/webp,image/gif,*/*;q=0.5",
            "Accept-Encoding": "identity",
        }


async def _once(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """One request is one try: aiohttp would quietly repeat one whose server hung up."""
    try:
        return await handler(request)
    except ClientError as error:
        raise classify(error) from None
