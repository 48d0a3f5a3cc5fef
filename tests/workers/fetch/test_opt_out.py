"""Which headers forbid."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from common.schema import Status
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched
from workers.fetch.opt_out import opt_out_rule


async def test_a_forbidden_picture_is_a_row_with_its_rule(fetching: Fetching) -> None:
    pages = {
        "/robots": reply(b"x", headers="X-Robots-Tag: noindex, nofollow\r\n"),
        "/tdm": reply(b"x", headers="TDM-Reservation: 1\r\n"),
        "/hop": reply(status="301 X", headers="Location: /free\r\nX-Robots-Tag: noai\r\n"),
        "/free": reply(b"x", headers="X-Robots-Tag: all\r\n"),
        "/gone": reply(b"x", status="404 Not Found", headers="X-Robots-Tag: noindex\r\n"),
        "/to": redirect("/robots"),
    }
    async with serve(pages) as web, fetching() as fetcher:
        expected = {
            "/robots": Fetched(Status.OPT_OUT, "x-robots-tag: noindex"),
            "/tdm": Fetched(Status.OPT_OUT, "tdm-reservation: 1"),
            "/hop": Fetched(Status.OPT_OUT, "x-robots-tag: noai"),
            "/free": Fetched(Status.OK, body=b"x"),
            "/gone": Fetched(Status.HTTP_4XX, "404"),
            "/to": Fetched(Status.OPT_OUT, "x-robots-tag: noindex"),
        }
        assert {path: await fetcher.fetch(web.url(path)) for path in pages} == expected


async def test_the_operator_may_switch_it_off(fetching: Fetching) -> None:
    async with (
        serve({"/a": reply(b"x", headers="X-Robots-Tag: noai\r\n")}) as web,
        fetching(opt_out=False) as fetcher,
    ):
        assert (await fetcher.fetch(web.url("/a"))).status is Status.OK


@pytest.mark.parametrize("name", ["X-Robots-Tag", "x-robots-tag", "X-ROBOTS-TAG"])
def test_the_case_of_the_name_does_not_matter(name: str) -> None:
    assert opt_out_rule(CIMultiDictProxy(CIMultiDict({name: "noai"}))) == "x-robots-tag: noai"
