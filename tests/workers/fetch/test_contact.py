"""No public address is asked by somebody who cannot be reached."""

import pytest

from common.contact import ContactError
from common.run.status import Status
from tests.web.canary import Canary
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched


@pytest.mark.parametrize("host", ["8.8.8.8", "[2606:4700:4700::1111]", "public.test"])
async def test_a_public_address_needs_a_contact(fetching: Fetching, host: str, bird: Canary) -> None:
    names = {"public.test": [["8.8.8.8"]]}
    async with fetching(names, contact="") as fetcher:
        with pytest.raises(ContactError, match="FLEET_FETCH_CONTACT is not set"):
            await fetcher.fetch(f"http://{host}:{bird.port}/")
    assert bird.tried == []


async def test_one_behind_a_redirect_or_of_robots_txt_needs_it_too(fetching: Fetching, bird: Canary) -> None:
    away = redirect(f"http://8.8.8.8:{bird.port}/a")
    for pages in ({"/a": away}, {"/robots.txt": away, "/a": reply(b"x")}):
        async with serve(pages) as web, fetching(contact="", signs=("all",)) as fetcher:
            with pytest.raises(ContactError):
                await fetcher.fetch(web.url("/a"))


async def test_allowed_networks_and_forbidden_addresses_need_none(fetching: Fetching) -> None:
    async with serve({"/a": reply(b"x")}) as web, fetching(contact="") as fetcher:
        assert await fetcher.fetch(web.url("/a")) == Fetched(Status.OK, body=b"x")
        assert (await fetcher.fetch("http://10.0.0.1/")).status is Status.BLOCKED
        assert (await fetcher.fetch("http://nowhere.test/")).status is Status.DNS_ERROR
