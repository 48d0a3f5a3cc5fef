"""A URL is asked for as it is written; the oracles are ada, of Node.js, and urllib, of img2dataset."""

import asyncio
from collections.abc import Iterable, Sequence
from urllib.request import Request

import ada_url
import pytest

from common.run.status import Status
from tests.web.addresses import ADDRESSES, ENCODED_FOR, VALID
from tests.web.server import Web, redirect, reply, serve
from tests.workers.fetch.conftest import Fetching

pytestmark = pytest.mark.usefixtures("one_at_a_time")
DOTS = ("/.", "%2e", "%2E")


async def targets_asked_for(web: Web, fetching: Fetching, urls: Iterable[str]) -> list[str]:
    """One at a time, the last request of each."""
    found = []
    async with fetching(names={"xn--fa-hia.test": [["127.0.0.1"]]}) as fetcher:
        for url in urls:
            web.heads.clear()
            await fetcher.fetch(url)
            found.append(web.heads[-1].split(" ")[1])
    return found


def by_the_standard(web: Web, paths: Sequence[str]) -> list[str]:
    hrefs = (ada_url.URL(web.url(path)).href.partition("#")[0] for path in paths)
    return [href.removeprefix(web.url("")) for href in hrefs]


async def test_in_a_list(fetching: Fetching) -> None:
    assert len(set(ADDRESSES)) == len(ADDRESSES) >= 300
    async with serve({}) as web:
        found = await targets_asked_for(web, fetching, map(web.url, ADDRESSES))
        assert found == by_the_standard(web, ADDRESSES)


async def test_valid_ones_as_urllib_asks_for_them(fetching: Fetching) -> None:
    """Dot segments apart, which urllib leaves in, and browsers and curl do not."""
    valid = [path for path in ADDRESSES if set(path) <= VALID and not any(dots in path for dots in DOTS)]
    assert len(valid) >= 200
    async with serve({}) as web:
        found = await targets_asked_for(web, fetching, map(web.url, valid))
        differing = [
            (path, target)
            for path, target in zip(valid, found, strict=True)
            if target != Request(web.url(path)).selector and "'" not in path.partition("?")[2]
        ]
    assert not differing


async def test_in_a_location(fetching: Fetching) -> None:
    """Absolute and relative, as the UTF-8 that most servers send."""
    paths = [path for path in ADDRESSES if path[1:2] not in {"\x01", "/"}]
    locations = [location.encode().decode("latin-1") for location in paths]
    pages = {f"/from/{n}": redirect(location) for n, location in enumerate(locations)}
    async with serve(pages) as web:
        found = await targets_asked_for(web, fetching, [web.url(page) for page in pages])
        assert found == by_the_standard(web, paths)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/caf\xe9.jpg", "/caf%E9.jpg"),
        ("/a?q=M\xfcller", "/a?q=M%FCller"),
        ("/\x80\xff.jpg", "/%80%FF.jpg"),
        ("/\xc3\xa9.jpg", "/%C3%A9.jpg"),
        ("caf\xe9/../\xe9.jpg", "/%E9.jpg"),
        ("  /a b.jpg  ", "/a%20b.jpg"),
        ("?\xe9", "/from?%E9"),
        ("http://fa\xc3\x9f.test:{port}/\xe9", "/%E9"),
        ("http://fa%C3%9F.test:{port}/\xe9", "/%E9"),
        ("//127.0.0.1:{port}\\\xe9", "/%E9"),
        ("/a#\xe9", "/a"),
    ],
)
async def test_bytes_of_a_location_are_never_dropped(fetching: Fetching, location: str, target: str) -> None:
    async with serve({}) as web:
        web.pages["/from"] = redirect(location.format(port=web.port))
        assert await targets_asked_for(web, fetching, [web.url("/from")]) == [target]


async def test_a_location_that_is_no_url_is_no_request(fetching: Fetching) -> None:
    for location in ("http://caf\xe9.test/", "http://a\tb.test/", "/a\tb.jpg", "http://a b.test/", "http://"):
        async with serve({"/a": redirect(location)}) as web, fetching() as fetcher:
            assert (await fetcher.fetch(web.url("/a"))).status is Status.INVALID_URL, location
            assert web.connections == 1


@pytest.mark.parametrize("inside", ["\t", "\n", "\r", "\r\n"])
async def test_what_the_standard_would_drop_is_refused(fetching: Fetching, inside: str) -> None:
    async with serve({}) as web, fetching() as fetcher:
        assert (await fetcher.fetch(web.url(f"/a{inside}b.jpg"))).status is Status.INVALID_URL
        assert (await fetcher.fetch(f" {web.url('/a.jpg')}{inside}")).status is Status.HTTP_4XX
    assert [head.split(" ")[1] for head in web.heads] == ["/a.jpg"]


async def test_a_server_that_compares_signatures_is_content(fetching: Fetching) -> None:
    signed = [path for path in ADDRESSES if path not in ENCODED_FOR and "#" not in path]
    signed = [path for path in signed if set(path) <= VALID and not any(dots in path for dots in DOTS)]
    signed = [path for path in signed if "'" not in path]
    async with serve({}) as web, fetching(per_host=64) as fetcher:
        await asyncio.gather(*(fetcher.fetch(web.url(path)) for path in signed))
    assert sorted(head.split(" ")[1] for head in web.heads) == sorted(signed)


async def test_the_host_header_is_the_host_in_ascii(fetching: Fetching) -> None:
    names = {"xn--fa-hia.test": [["127.0.0.1"]]}
    async with serve({"/a": reply(b"x")}) as web, fetching(names) as fetcher:
        assert (await fetcher.fetch(web.url("/a", "FA\u00df.test"))).body == b"x"
    assert f"Host: xn--fa-hia.test:{web.port}\r\n" in web.heads[0]
