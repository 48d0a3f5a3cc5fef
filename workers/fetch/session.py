"""The aiohttp session of a fetcher: no cookies, no proxies, no redirects of its own, every socket guarded."""

import ssl

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar
from aiohttp.abc import AbstractResolver

from common.settings import FetchSettings
from common.version import __version__
from workers.fetch.connector import MeteredConnector, MeteredRequest
from workers.fetch.guard import Guard
from workers.fetch.head import MAX_BYTES
from workers.fetch.signs.agent import TOKEN

NAMES_CACHED = 10_000
NAME_SECONDS = 300
KEEP_ALIVE_SECONDS = 2
READ_AHEAD = 1 << 20
"""Bytes buffered a connection; at aiohttp's own 64 KiB large bodies over TLS broke off under uvloop."""
MAX_HEADERS = 1000


def open_session(
    settings: FetchSettings, guard: Guard, resolver: AbstractResolver, tls: ssl.SSLContext | None
) -> ClientSession:
    """A session for one batch; close it, and the resolver.

    Args:
        settings: timeouts and contact.
        guard: opens the sockets.
        resolver: looks names up.
        tls: replaces the system's trust.
    """
    connector = MeteredConnector(
        socket_factory=guard.open_socket,
        resolver=resolver,
        ttl_dns_cache=NAME_SECONDS,
        dns_cache_max_size=NAMES_CACHED,
        ssl=tls or True,
        limit=0,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
    return ClientSession(
        connector=connector,
        request_class=MeteredRequest,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=_timeouts(settings),
        read_bufsize=READ_AHEAD,
        max_line_size=MAX_BYTES,
        max_field_size=MAX_BYTES,
        max_headers=MAX_HEADERS,
        headers=_headers(settings),
    )


def _timeouts(settings: FetchSettings) -> ClientTimeout:
    """For connecting and for silence; `Clock` bounds the total."""
    return ClientTimeout(
        total=None,
        sock_connect=settings.connect_timeout,
        sock_read=settings.read_timeout,
        ceil_threshold=60,  # aiohttp would round longer ones up to whole seconds
    )


def _headers(settings: FetchSettings) -> dict[str, str]:
    contact = f" (+{settings.contact})" if settings.contact else ""
    return {
        "User-Agent": f"{TOKEN}/{__version__}{contact}",
        "Accept": "image/avif,image/webp,image/jpeg,image/png,image/gif,*/*;q=0.5",
        "Accept-Encoding": "identity",
    }
