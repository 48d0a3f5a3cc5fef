"""Memory for bodies in flight: large ones wait for one another, small ones never, at no URL's expense."""

import asyncio
import gzip
from collections import Counter

import pytest

from common.run.status import Status
from tests.web.server import Page, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import fetcher as fetcher_module
from workers.fetch.room import SMALL, Pool, Room

BODY = b"\xff\xd8\xff" + bytes(3 * SMALL)
CODED = gzip.compress(BODY)


async def test_bytes_are_lent_in_the_order_of_asking() -> None:
    pool, order = Pool(10), list[str]()

    async def borrow(name: str, count: int) -> None:
        await pool.take(count)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name, count in (("a", 8), ("large", 9), ("small", 1)):
            group.create_task(borrow(name, count))
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == ["a"]  # the small one would pass the large one by for ever
        pool.give(8)
    assert order == ["a", "large", "small"]


async def test_who_asks_for_more_than_there_is_gets_all() -> None:
    assert await Pool(10).take(99) == 10


async def test_who_gives_up_takes_nothing() -> None:
    pool = Pool(10)
    await pool.take(10)
    waiting = [asyncio.create_task(pool.take(5)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    pool.give(10)
    waiting[1].cancel()  # lent already, and not yet told
    await asyncio.gather(*waiting, return_exceptions=True)
    assert await asyncio.wait_for(pool.take(10), 5) == 10


async def test_a_body_gives_back_what_it_does_not_need() -> None:
    pool = Pool(10 * SMALL)
    room = Room(pool)
    await room.take(10 * SMALL)
    room.keep(2 * SMALL)
    await asyncio.wait_for(Room(pool).take(8 * SMALL), 5)
    room.keep(SMALL)  # a small one holds none
    assert await asyncio.wait_for(pool.take(2 * SMALL), 5) == 2 * SMALL


@pytest.fixture
def _tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for one large body at a time."""
    monkeypatch.setattr(fetcher_module, "RECEIVED_BYTES", 4 * SMALL)
    monkeypatch.setattr(fetcher_module, "EXPANDED_BYTES", 1)


PAGES: dict[str, Page] = {
    "/small": reply(BODY[:SMALL]),
    "/large": reply(BODY),
    "/coded": reply(CODED, headers="Content-Encoding: gzip\r\n"),
}


@pytest.mark.usefixtures("_tight")
async def test_small_bodies_wait_for_no_large_one(fetching: Fetching) -> None:
    begun = asyncio.Event()

    async def hold(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + BODY)
        begun.set()
        await asyncio.sleep(3600)

    pages = {**PAGES, "/endless": hold}
    async with serve(pages) as web, fetching(max_bytes=4 * SMALL, timeout=60) as fetcher:
        endless = asyncio.create_task(fetcher.fetch(web.url("/endless")))
        await begun.wait()
        large = asyncio.create_task(fetcher.fetch(web.url("/large")))
        assert (await asyncio.wait_for(fetcher.fetch(web.url("/small")), 30)).body == BODY[:SMALL]
        endless.cancel()
        assert (await asyncio.wait_for(large, 30)).body == BODY


@pytest.mark.usefixtures("_tight")
async def test_the_wait_for_room_is_not_the_url_s(fetching: Fetching) -> None:
    """Of each kind only one fits at a time; in a row they are held for longer than a URL has."""
    seconds, count = 4, 5

    async def use(path: str) -> Status:
        with fetcher.make_room() as rooms:
            fetched = await fetcher.fetch(web.url(path), rooms)
            held[path] += 1
            most[path] = max(most[path], held[path])
            await asyncio.sleep(1.2 * seconds / count)
            held[path] -= 1
            return fetched.status

    held, most = Counter[str](), Counter[str]()
    async with serve(PAGES) as web, fetching(max_bytes=4 * SMALL, timeout=seconds, per_host=99) as fetcher:
        found = await asyncio.gather(*(use(path) for path in ("/large", "/coded") * count))
    assert found == [Status.OK] * 2 * count
    assert most == {"/large": 1, "/coded": 1}
