"""Names to addresses: bounded threads, bounded answers, failures remembered."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from workers.fetch.shortage import Shortage, require_lookup

THREADS = 64
MAX_ADDRESSES = 8
MAX_FAILURES = 10_000
FAILURE_SECONDS = 60.0
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV

Lookup = Callable[..., list[tuple[Any, ...]]]
"""Anything that answers as `socket.getaddrinfo` does."""


class Resolver(AbstractResolver):
    """The system's resolver in threads of its own; asyncio's default pool has six on a small machine.

    Answers are cached by aiohttp's connector; a dead name, which many rows of a batch may share, here.
    """

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolver")
        self._failures: OrderedDict[str, tuple[float, int, str]] = OrderedDict()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """At most `MAX_ADDRESSES` addresses, or OSError."""
        self._raise_known(host)
        loop = asyncio.get_running_loop()
        try:
            infos = await loop.run_in_executor(self._threads, self._ask, host, port, family)
        except Shortage:
            raise
        except (OSError, UnicodeError) as error:  # a label that IDNA cannot encode
            raise self._remember(host, error) from error
        return [
            ResolveResult(hostname=host, host=a[0], port=port, family=f, proto=p, flags=_NUMERIC)
            for f, _, p, _, a in infos[:MAX_ADDRESSES]
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _ask(self, host: str, port: int, family: int) -> list[tuple[Any, ...]]:
        try:
            infos = self._lookup(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        except OSError:
            require_lookup()
            raise
        if not infos:
            raise socket.gaierror(socket.EAI_NODATA, "no address")
        return infos

    def _raise_known(self, host: str) -> None:
        until, code, reason = self._failures.get(host, (0.0, 0, ""))
        if time.monotonic() < until:
            raise socket.gaierror(code, reason)

    def _remember(self, host: str, error: Exception) -> socket.gaierror:
        failure = socket.gaierror(getattr(error, "errno", None) or socket.EAI_NONAME, str(error))
        self._failures[host] = (time.monotonic() + FAILURE_SECONDS, failure.errno or 0, str(error))
        if len(self._failures) > MAX_FAILURES:
            self._failures.popitem(last=False)
        return failure
