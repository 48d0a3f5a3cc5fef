"""Server-side request forgery: every vector direct, by redirect and by rebinding."""

import asyncio
from collections import Counter
from ipaddress import ip_address

from common.run.status import Status
from tests.web.canary import Canary
from tests.web.server import Web, redirect, reply, serve
from tests.web.vectors import ADDRESSES, DISGUISES, LITERALS
from tests.workers.fetch.conftest import OPEN_FAR, Fetching


def untouched(bird: Canary, web: Web | None = None) -> bool:
    """Whether nothing but the open server was ever tried."""
    return not bird.reached and set(bird.tried) <= ({web.host} if web else set())


def test_there_are_enough_vectors() -> None:
    assert len(set(LITERALS)) == len(LITERALS) >= 100
    assert len({str(ip_address(address)) for address in ADDRESSES}) == len(ADDRESSES) >= 60
    assert len(DISGUISES) >= 35


async def test_direct(bird: Canary, fetching: Fetching) -> None:
    async with fetching(allow_networks=()) as fetcher:
        urls = [f"{scheme}://{host}:{bird.port}/" for host in LITERALS for scheme in ("http", "https")]
        urls += [f"http://{host}/latest/meta-data/" for host in LITERALS]
        fetched = await asyncio.gather(*map(fetcher.fetch, urls))
    wrong = [(url, f) for url, f in zip(urls, fetched, strict=True) if f.status is not Status.BLOCKED]
    assert not wrong
    assert untouched(bird)


async def test_by_redirect(bird: Canary, fetching: Fetching) -> None:
    targets = [f"http://{host}:{bird.port}/".encode().decode("latin-1") for host in LITERALS]
    pages = {f"/{n}": redirect(target) for n, target in enumerate(targets)}
    async with serve(pages, host=OPEN_FAR) as web, fetching(allow_networks=(f"{OPEN_FAR}/32",)) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url(path)) for path in pages))
    wrong = [(t, f) for t, f in zip(targets, fetched, strict=True) if f.status is not Status.BLOCKED]
    assert not wrong
    assert web.connections == len(LITERALS)
    assert untouched(bird, web)


async def test_by_name(bird: Canary, fetching: Fetching) -> None:
    names = {f"n{n}.test": [[address]] for n, address in enumerate(ADDRESSES)}
    async with fetching(names, allow_networks=()) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(f"http://{name}:{bird.port}/") for name in names))
    assert Counter(f.status for f in fetched) == {Status.BLOCKED: len(ADDRESSES)}
    assert untouched(bird)


async def test_by_rebinding(bird: Canary, fetching: Fetching) -> None:
    """The name is good when first asked; the page sends us to it again, at a port that is looked up anew."""
    names = {f"n{n}.test": [[OPEN_FAR], [address]] for n, address in enumerate(ADDRESSES)}
    pages = {f"/{name}": redirect(f"http://{name}:{bird.port}/") for name in names}
    async with (
        serve(pages, host=OPEN_FAR) as web,
        fetching(names, allow_networks=(f"{OPEN_FAR}/32",)) as fetcher,
    ):
        fetched = await asyncio.gather(*(fetcher.fetch(web.url(f"/{name}", name)) for name in names))
    assert Counter(f.status for f in fetched) == {Status.BLOCKED: len(ADDRESSES)}
    assert web.connections == len(ADDRESSES)
    assert untouched(bird, web)


async def test_by_a_name_of_many_addresses(bird: Canary, fetching: Fetching) -> None:
    names = {"all.test": [list(ADDRESSES)]}
    async with fetching(names, allow_networks=()) as fetcher:
        assert (await fetcher.fetch(f"http://all.test:{bird.port}/")).status is Status.BLOCKED
    assert untouched(bird)


async def test_the_canary_sings_when_it_is_reached(bird: Canary, fetching: Fetching) -> None:
    async with fetching(allow_networks=("127.0.0.0/8",)) as fetcher:
        await fetcher.fetch(f"http://127.0.0.9:{bird.port}/")
    assert bird.tried == ["127.0.0.9"]
    assert len(bird.reached) == 1


async def test_redirects_inside_the_open_network_are_followed(fetching: Fetching) -> None:
    async with serve({"/a": reply(b"x")}) as inner:
        pages = {"/a": redirect(inner.url("/a"))}
        async with serve(pages, host=OPEN_FAR) as web, fetching(allow_networks=("127.0.0.0/8",)) as fetcher:
            assert (await fetcher.fetch(web.url("/a"))).body == b"x"
