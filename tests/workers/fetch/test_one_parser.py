"""The host that is checked is the host that is connected to, however its URL is spelled."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import ada_url
import pytest

from common.run.status import Status
from tests.web.canary import Canary
from tests.web.server import redirect, serve
from tests.web.vectors import DECOYS, DISGUISES, MALFORMED, SCRIPTS, SPELLINGS, WITH_USER
from tests.workers.fetch.conftest import OPEN_FAR, Fetching
from workers.fetch import Fetched
from workers.fetch.address import is_within

HOSTS = ("127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", *SCRIPTS)
LITERAL = [pattern.format(f"{host}:{{port}}") for pattern in SPELLINGS for host in HOSTS]
LOOPBACK = (ip_network("127.0.0.0/8"),)
REFUSED = {Status.BLOCKED, Status.INVALID_URL, Status.DNS_ERROR}


async def fetch_all(fetching: Fetching, urls: Sequence[str], **options: object) -> list[Fetched]:
    async with fetching(**{"allow_networks": (), **options}) as fetcher:
        return await asyncio.gather(*map(fetcher.fetch, urls))


def test_there_are_enough_vectors() -> None:
    assert len(set(LITERAL)) == len(LITERAL) >= 400
    assert len(SCRIPTS) + len(SPELLINGS) + len(MALFORMED) >= 60


async def test_every_spelling_is_blocked(bird: Canary, fetching: Fetching) -> None:
    urls = [url.format(port=bird.port) for url in LITERAL]
    fetched = await fetch_all(fetching, urls)
    wrong = [(url, f) for url, f in zip(urls, fetched, strict=True) if f.status is not Status.BLOCKED]
    assert not wrong
    assert not bird.tried


async def test_every_spelling_is_blocked_behind_a_redirect(bird: Canary, fetching: Fetching) -> None:
    """As UTF-8 in a Location; without slashes `http:` is relative to another http URL."""
    urls = [url.format(port=bird.port).strip("\x00\x1f ") for url in LITERAL]
    urls = [url for url in urls if ada_url.URL(url, "http://a.test/").hostname != "a.test"]
    assert len(urls) >= 300
    pages = {f"/{n}": redirect(url.encode().decode("latin-1")) for n, url in enumerate(urls)}
    async with serve(pages, host=OPEN_FAR) as web:
        fetched = await fetch_all(fetching, [web.url(path) for path in pages], allow_networks=(OPEN_FAR,))
    wrong = [(url, f) for url, f in zip(urls, fetched, strict=True) if f.status is not Status.BLOCKED]
    assert not wrong
    assert set(bird.tried) == {OPEN_FAR}
    assert not bird.reached


@pytest.mark.parametrize("base", ["", "//a.test"])
async def test_what_is_no_host_is_never_connected(bird: Canary, fetching: Fetching, base: str) -> None:
    urls = [f"http:{base or '//'}{host}:{bird.port}/" for host in MALFORMED]
    urls += [f"http://{host}/" for host in MALFORMED]
    fetched = await fetch_all(fetching, urls, names={"a.test": [["127.0.0.1"]]})
    wrong = [(url, f) for url, f in zip(urls, fetched, strict=True) if f.status not in REFUSED]
    assert not wrong
    assert not bird.tried


async def test_users_and_passwords_are_blocked(bird: Canary, fetching: Fetching) -> None:
    urls = [pattern.format(f"{host}:{bird.port}") for pattern in WITH_USER for host in HOSTS]
    fetched = await fetch_all(fetching, urls, allow_networks=("0.0.0.0/0", "::/0"))
    assert Counter(f.status for f in fetched) == {Status.BLOCKED: len(urls)}
    assert not bird.tried


async def test_decoys_lead_to_the_host_before_them(bird: Canary, fetching: Fetching) -> None:
    urls = [pattern.format(f"127.0.0.1:{bird.port}") for pattern in DECOYS]
    fetched = await fetch_all(fetching, urls, names={"a.test": [["10.9.8.7"]]})
    assert Counter(f.status for f in fetched) == {Status.BLOCKED: len(urls)}
    assert not bird.tried
    fetched = await fetch_all(fetching, urls)  # the name is asked for, not the address
    assert Counter(f.status for f in fetched) == {Status.DNS_ERROR: len(urls)}


@pytest.mark.usefixtures("one_at_a_time")
async def test_the_address_connected_to_is_the_one_that_the_standard_reads(
    bird: Canary, fetching: Fetching
) -> None:
    """With loopback open the spellings of its addresses get through, and the others do not."""
    hosts = [host for host in (*HOSTS, *DISGUISES) if not host.startswith(("[64:", "[2002:"))]
    urls = [pattern.format(f"{host}:{bird.port}") for pattern in SPELLINGS for host in hosts]
    async with fetching(allow_networks=LOOPBACK) as fetcher:
        for url in filter(ada_url.check_url, urls):
            bird.tried.clear()
            await fetcher.fetch(url)
            expected = ip_address(ada_url.URL(url).hostname.strip("[]"))
            tried = [ip_address(address) for address in bird.tried]
            assert tried == [expected] * is_within(expected, LOOPBACK), url
