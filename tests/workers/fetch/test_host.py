"""One host: slots, back-off and second tries."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NoReturn

import pytest
from aiohttp import web as aiohttp_web

from common.run.status import Status
from common.url import parse_url
from tests.web.server import Page, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched, host
from workers.fetch.answer import retry_after
from workers.fetch.dealer import Dealer, DealerError
from workers.fetch.failure import Failure
from workers.fetch.host import Host, Slot, lease_of
from workers.fetch.places import Places

BUSY = reply(status="503 Service Unavailable")
NOAI = ("x-robots-tag:noai",)


def turns(*pages: bytes) -> Page:
    """A page that changes: each once, the last for ever."""
    left = list(pages)

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return page


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as unbound:
        unbound.bind(("127.0.0.1", 0))
        return int(unbound.getsockname()[1])


@pytest.mark.parametrize(
    "first",
    [
        BUSY,
        reply(status="500 X"),
        reply(status="502 X"),
        reply(status="429 X", headers="Retry-After: 0\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"",
    ],
)
async def test_a_second_try_helps(fetching: Fetching, first: bytes) -> None:
    async with serve({"/a": turns(first, reply(b"x"))}) as web, fetching(retries=1) as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"
    assert web.connections == 2


@pytest.mark.parametrize(
    "page",
    [
        reply(status="404 X"),
        reply(status="403 X"),
        reply(status="429 X"),
        reply(status="429 X", headers="Retry-After: 60\r\n"),
        reply(status="503 X", headers="Retry-After: 60\r\n"),
        reply(b"x", headers="X-Robots-Tag: noai\r\n"),
        reply(b"x" * 1001),
    ],
)
async def test_where_it_cannot_help_there_is_none(fetching: Fetching, page: bytes) -> None:
    async with serve({"/a": page}) as web, fetching(retries=3, max_bytes=1000, signs=NOAI) as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).status is not Status.OK
    assert web.connections == 1


async def test_tries_are_counted(fetching: Fetching) -> None:
    async with serve({"/a": reply(status="500 X")}) as web:
        for retries in (0, 2):
            web.connections = 0
            async with fetching(retries=retries) as fetcher:
                assert await fetcher.fetch(web.url("/a")) == Fetched(Status.HTTP_5XX, "500")
            assert web.connections == retries + 1


async def test_retry_after_is_waited_for(fetching: Fetching) -> None:
    later = turns(reply(status="429 X", headers="Retry-After: 1\r\n"), reply(b"x"))
    async with serve({"/a": later}) as web, fetching(retries=1) as fetcher:
        started = time.monotonic()
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"
        assert time.monotonic() - started >= 1


async def test_a_host_that_asks_for_peace_gets_it(fetching: Fetching) -> None:
    pages = {"/busy": reply(status="429 X", headers="Retry-After: 60\r\n"), "/a": reply(b"x")}
    names = {"other.test": [["127.0.0.1"]]}
    left_alone = Fetched(Status.HTTP_4XX, "host left alone after 429")
    async with serve(pages) as web, fetching(names, batch_timeout=50) as fetcher:
        assert await fetcher.fetch(web.url("/busy")) == Fetched(Status.HTTP_4XX, "429")
        assert await fetcher.fetch(web.url("/a")) == left_alone, (
            "it outlasts what is left of the batch's time"
        )
        async with serve({"/a": reply(b"x")}) as other:
            assert await fetcher.fetch(other.url("/a")) == left_alone, "it is one machine, whatever the port"
            assert (await fetcher.fetch(other.url("/a", host="other.test"))).body == b"x"
    assert web.connections == 1


async def test_a_short_peace_is_waited_out(fetching: Fetching) -> None:
    pages = {"/busy": reply(status="503 X", headers="Retry-After: 1\r\n"), "/a": reply(b"x")}
    async with serve(pages) as web, fetching() as fetcher:
        await fetcher.fetch(web.url("/busy"))
        started = time.monotonic()
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"
        assert 0.8 < time.monotonic() - started < 3


async def test_rows_of_a_quiet_host_wait_until_time_is_over(fetching: Fetching) -> None:
    pages = {"/busy": reply(status="429 X", headers="Retry-After: 60\r\n"), "/a": reply(b"x")}
    async with serve(pages) as web, fetching() as fetcher:
        await fetcher.fetch(web.url("/busy"))
        waiting = asyncio.ensure_future(fetcher.fetch(web.url("/a")))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        fetcher.give_up()
        assert await waiting == Fetched(Status.TIMEOUT, "host budget")


async def test_a_urls_clock_begins_with_its_request(fetching: Fetching) -> None:
    async with serve({"/a": reply(b"x")}) as web, fetching(per_host=1, timeout=2) as fetcher:
        async with fetcher._hosts.turn(parse_url(web.url("/a"))):
            waiting = asyncio.ensure_future(fetcher.fetch(web.url("/a")))
            await asyncio.sleep(2.2)
            assert not waiting.done()
        assert (await waiting).body == b"x"


async def test_the_death_of_the_dealer_is_everybodys_error(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Dealer) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(Dealer, "_hosts_to_ask", fail)
    async with asyncio.timeout(20), serve({"/a": reply(b"x")}) as web, fetching() as fetcher:
        for _ in range(2):  # who waits when it dies, and who comes later
            with pytest.raises(DealerError, match="ZeroDivisionError"):
                await fetcher.fetch(web.url("/a"))


async def test_a_dead_host_is_left_alone(
    fetching: Fetching, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.delay.FIRST", 30.0)
    async with fetching(per_host=1) as fetcher:
        urls = [f"http://127.0.0.1:{closed_port}/{n}" for n in range(20)]
        fetched = await asyncio.gather(*map(fetcher.fetch, urls))
    assert Counter(fetched) == {
        Fetched(Status.CONNECT_ERROR, "ECONNREFUSED"): host.TOLERATED,
        Fetched(Status.CONNECT_ERROR, "host left alone after ECONNREFUSED"): 20 - host.TOLERATED,
    }


async def test_one_busy_answer_brings_quiet(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.delay.FIRST", 30.0)
    async with serve({"/a": BUSY}) as web, fetching(per_host=1, batch_timeout=5) as fetcher:
        await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(20)))
    assert web.connections == 1


@pytest.mark.parametrize("page", [reply(status="404 X"), reply(status="500 X"), b"", reply(b"x" * 2000)])
async def test_nothing_else_does(fetching: Fetching, page: bytes) -> None:
    async with serve({"/a": page}) as web, fetching(max_bytes=1000) as fetcher:
        await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(20)))
    assert web.connections == 20


async def test_a_good_answer_clears_its_record() -> None:
    one = host.Host("a.test", 4, Places(9))
    refused = Failure(Status.CONNECT_ERROR, "ECONNREFUSED", trips=True)
    outcomes = [refused, refused, refused, refused, None] * 5 + [refused] * 5
    assert [one.record(outcome) is not None for outcome in outcomes] == [False] * 29 + [True]


async def test_hosts_in_good_standing_are_forgotten(fetching: Fetching, closed_port: int) -> None:
    async with serve({"/a": reply(b"x")}) as web, fetching() as fetcher:
        await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(20)))
        assert not fetcher._hosts._hosts
        await fetcher.fetch(f"http://127.0.0.1:{closed_port}/")
        assert len(fetcher._hosts._hosts) == 1


async def test_a_connection_is_kept_only_while_somebody_waits_for_its_host(fetching: Fetching) -> None:
    connections, closing = set(), 0

    async def answer(request: aiohttp_web.BaseRequest) -> aiohttp_web.Response:
        nonlocal closing
        connections.add(request.transport)
        closing += request.headers.get("Connection") == "close"
        return aiohttp_web.Response(body=b"x")

    async with aiohttp_server(answer) as url, fetching(per_host=2) as fetcher:
        for _ in range(3):
            await fetcher.fetch(url)
        assert (len(connections), closing) == (3, 3)
        await asyncio.gather(*(fetcher.fetch(url) for _ in range(20)))
        assert len(connections) <= 3 + 3


class aiohttp_server:  # noqa: N801 - a context manager
    """A whole web server, which keeps connections."""

    def __init__(
        self, answer: Callable[[aiohttp_web.BaseRequest], Awaitable[aiohttp_web.StreamResponse]]
    ) -> None:
        self._runner = aiohttp_web.ServerRunner(aiohttp_web.Server(answer))

    async def __aenter__(self) -> str:
        await self._runner.setup()
        site = aiohttp_web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 7 ", 7),
        ("120", 120),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 58 < (retry_after(in_a_minute) or 0) <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (retry_after("9" * 400) or 0) > 1e8


@pytest.mark.parametrize(("timeout", "lease"), [(10.0, 15.0), (25.0, 30.0), (600.0, 30.0)])
def test_a_lease_outlasts_its_url_and_never_half_a_minute(timeout: float, lease: float) -> None:
    assert lease_of(timeout) == lease
    host = Host("a.test", 1, Places(1))
    assert Slot(host, "0", time.monotonic() + lease).lasts(timeout)
    assert not Slot(host, "0", time.monotonic() + 1).lasts(timeout)
