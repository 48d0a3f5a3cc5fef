"""Names: cached, bounded, dead ones remembered."""

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from common.run.status import Status
from tests.web.names import Names
from tests.web.server import reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched, resolver
from workers.fetch.resolver import Resolver


async def test_a_name_is_looked_up_once(fetching: Fetching) -> None:
    names = Names({"a.test": [["127.0.0.1"]]})
    async with serve({"/a": reply(b"x")}) as web, fetching(names) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url("/a", "a.test")) for _ in range(20)))
    assert {f.status for f in fetched} == {Status.OK}
    assert names.asked == {"a.test": 1}


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "EAI_NONAME"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "EAI_AGAIN"),
        (UnicodeError("label empty or too long"), "EAI_NONAME"),
    ],
)
async def test_a_dead_name_is_asked_for_once_whatever_the_scheme(
    fetching: Fetching, error: Exception, detail: str
) -> None:
    names = Names({"dead.test": [error]})
    async with fetching(names) as fetcher:
        for url in ("http://dead.test/", "https://dead.test/", "http://dead.test:8080/"):
            assert await fetcher.fetch(url) == Fetched(Status.DNS_ERROR, detail)
    assert names.asked == {"dead.test": 1}


async def test_no_address_at_all_is_a_dns_error(fetching: Fetching) -> None:
    async with fetching({"empty.test": [[]]}) as fetcher:
        assert await fetcher.fetch("http://empty.test/") == Fetched(Status.DNS_ERROR, "EAI_NODATA")


async def test_few_of_many_addresses_are_kept() -> None:
    many = Resolver(Names({"many.test": [[f"10.0.{n // 256}.{n % 256}" for n in range(1000)]]}))
    assert len(await many.resolve("many.test", 80)) == resolver.MAX_ADDRESSES
    await many.close()


async def test_lookups_are_bounded_and_slow_ones_do_not_hold_up_the_loop(fetching: Fetching) -> None:
    lock, now, most = threading.Lock(), 0, 0

    def slow(host: str, *_: Any) -> list[tuple[Any, ...]]:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.2)
        with lock:
            now -= 1
        raise socket.gaierror(socket.EAI_AGAIN, "slow")

    async with fetching(slow, timeout=60) as fetcher:
        urls = asyncio.gather(*(fetcher.fetch(f"http://n{n}.test/") for n in range(200)))
        turns = 0
        while not urls.done():
            await asyncio.sleep(0.01)
            turns += 1
    assert {f.status for f in urls.result()} == {Status.DNS_ERROR}
    assert most == resolver.THREADS
    assert turns > 10  # the loop went on meanwhile


async def test_a_lookup_that_hangs_is_a_timeout(fetching: Fetching) -> None:
    done = threading.Event()

    def hang(*_: Any) -> list[tuple[Any, ...]]:
        done.wait(30)
        return []

    async with fetching(hang, timeout=0.3) as fetcher:
        assert await fetcher.fetch("http://hang.test/") == Fetched(Status.TIMEOUT, "total")
        done.set()


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_FAILURES", 10)
    dead = Resolver(Names({}))
    for n in range(30):
        with pytest.raises(socket.gaierror):
            await dead.resolve(f"n{n}.test")
    assert len(dead._failures) == 10
    await dead.close()


async def test_the_systems_resolver_is_the_default() -> None:
    system = Resolver()
    assert "127.0.0.1" in {found["host"] for found in await system.resolve("localhost", 80)}
    await system.close()
