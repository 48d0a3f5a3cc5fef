"""Which headers forbid."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from common.run.schema import Status
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


TABLE = {
    # the plain forms
    ("noai",): "noai",
    ("noimageai",): "noimageai",
    ("noindex",): "noindex",
    ("noimageindex",): "noimageindex",
    ("none",): "none",
    ("NoAI",): "noai",
    ("  noai  ",): "noai",
    ("noindex,nofollow",): "noindex",
    ("nofollow, NOINDEX",): "noindex",
    ("noarchive,nosnippet,noimageindex",): "noimageindex",
    # other separators that sites use
    ("noai; noimageai",): "noai",
    ("nofollow noindex",): "noindex",
    (",, noai ,",): "noai",
    ("nofollow\tnoai",): "noai",
    # repeated headers
    ("all", "noai"): "noai",
    ("googlebot: nofollow", "noindex"): "noindex",
    ("max-snippet: 5", "noimageai"): "noimageai",
    # for everybody or for us by name
    ("*: noai",): "noai",
    ("caption-fleet: noai",): "noai",
    ("Caption-Fleet: noindex, nofollow",): "noindex",
    ("caption-fleet/0.1: none",): "none",
    ("googlebot: nofollow, caption-fleet: noimageai",): "noimageai",
    ("googlebot: noindex", "caption-fleet: noai"): "noai",
    ("googlebot: noarchive, *: noindex",): "noindex",
    # values with colons and commas of their own before or after what counts
    ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai",): "noai",
    ("unavailable_after: Saturday, 25-Jun-2030 15:00:00 UTC, noindex",): "noindex",
    ("max-image-preview: none, noimageindex",): "noimageindex",
    ("noai, max-video-preview: -1",): "noai",
    ("caption-fleet: max-snippet: 20, noai",): "noai",
    ("noai: true",): "noai",
    # what does not forbid
    (): None,
    ("",): None,
    ("all",): None,
    ("index, follow",): None,
    ("nofollow",): None,
    ("noarchive, nosnippet, notranslate",): None,
    ("max-image-preview: none",): None,
    ("max-image-preview:none",): None,
    ("caption-fleet: max-image-preview: none",): None,
    ("max-snippet: -1, max-image-preview: large, max-video-preview: -1",): None,
    ("unavailable_after: 25 Jun 2030 15:00:00 PST",): None,
    ("unavailable_after: Saturday, 25-Jun-2030 15:00:00 UTC",): None,
    # what forbids somebody else
    ("googlebot: noindex",): None,
    ("googlebot: noindex, nofollow, noai",): None,
    ("otherbot: noindex", "googlebot: none"): None,
    ("GPTBot/1.0: noai",): None,
    ("img2dataset: noai",): None,
    ("googlebot: unavailable_after: 25 Jun 2030 15:00:00 PST, noindex",): None,
    ("caption-fleet: all, googlebot: noindex",): None,
    ("caption-fleet-2: noai",): None,
    # words that only contain the rule
    ("noaisle",): None,
    ("x-noai",): None,
    ("noindexed",): None,
    ("no-ai",): None,
}


@pytest.mark.parametrize(("values", "rule"), TABLE.items())
def test_the_table_of_robots_tags(values: tuple[str, ...], rule: str | None) -> None:
    headers = CIMultiDictProxy(CIMultiDict(("X-Robots-Tag", value) for value in values))
    assert opt_out_rule(headers) == (rule and f"x-robots-tag: {rule}")


RESERVATIONS = {
    ("1",): True,
    (" 1 ",): True,
    ('"1"',): True,
    ("0", "1"): True,
    ("0, 1",): True,
    ("0",): False,
    ("",): False,
    ("10",): False,
    ("true",): False,
    ("https://example.com/policy/1",): False,
}


@pytest.mark.parametrize(("values", "reserved"), RESERVATIONS.items())
def test_the_table_of_reservations(values: tuple[str, ...], reserved: bool) -> None:
    headers = CIMultiDictProxy(CIMultiDict(("tdm-reservation", value) for value in values))
    assert opt_out_rule(headers) == ("tdm-reservation: 1" if reserved else None)


def test_the_tables_are_long_enough() -> None:
    assert len(TABLE) + len(RESERVATIONS) >= 60
