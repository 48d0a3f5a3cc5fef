"""Whatever a server does, its URL ends in one status, in time, in little memory."""

import asyncio
import time
import tracemalloc

import pytest

from common.run.status import Status
from tests.web.hostile import tricks
from tests.web.server import serve
from tests.workers.fetch.conftest import Fetching

NOAI = ("x-robots-tag:noai",)
TRICKS = tricks()
SHORT = 0.4  # for what would never end
LONG = 10.0  # for what must end by itself


@pytest.mark.parametrize("name", TRICKS)
async def test_every_trick_is_its_status(fetching: Fetching, name: str) -> None:
    trick = TRICKS[name]
    timeout = SHORT if trick.slow else LONG
    async with serve({f"/{name}": trick.page}) as web, fetching(timeout=timeout, signs=NOAI) as fetcher:
        started = time.monotonic()
        fetched = await fetcher.fetch(web.url(f"/{name}"))
        took = time.monotonic() - started
    assert fetched.status == trick.status, fetched
    assert (fetched.body is None) == (fetched.status is not Status.OK)
    assert took < LONG / 2


@pytest.mark.parametrize(
    "name",
    [
        "endless",
        "endless-chunks",
        "endless-extension",
        "endless-empty-lines",
        "gzip-bomb",
        "endless-header",
        "continue-flood",
    ],
)
async def test_memory_holds_one_body_at_most(fetching: Fetching, name: str) -> None:
    async with serve({"/a": TRICKS[name].page}) as web, fetching(timeout=1) as fetcher:
        tracemalloc.start()
        await fetcher.fetch(web.url("/a"))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 25_000_000


async def test_all_at_once(fetching: Fetching) -> None:
    pages = {f"/{name}": trick.page for name, trick in TRICKS.items()}
    async with (
        serve(pages) as web,
        fetching(timeout=1, per_host=1000, signs=NOAI) as fetcher,
    ):
        urls = [web.url(path) for path in pages] * 5
        started = time.monotonic()
        fetched = await asyncio.gather(*map(fetcher.fetch, urls))
        took = time.monotonic() - started
    assert len(fetched) == len(urls)
    assert took < 10
