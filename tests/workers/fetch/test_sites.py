"""robots.txt and tdmrep.json before every hop, on real connections."""

import asyncio
import gzip
import json
import time
from collections.abc import Mapping

import pytest

from common.run.status import Status
from tests.web.canary import Canary
from tests.web.server import Page, Web, redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched
from workers.fetch.failure import Failure
from workers.fetch.signs.robots_parser import MAX_BYTES, parse_robots_txt
from workers.fetch.signs.tdm import TdmRule
from workers.fetch.site import FIRST_AGAIN, LAST_AGAIN, Site

ALL = ("all",)
OK = Fetched(Status.OK, body=b"x")
NOTHING = reply(b"User-agent: *\nDisallow: /\n")
OPEN = reply(b"User-agent: *\nDisallow:\n")


def asked(web: Web) -> list[str]:
    return [head.split(" ")[1] for head in web.heads]


async def fetch(fetching: Fetching, pages: Mapping[str, Page], **settings: object) -> Fetched:
    async with serve({"/a": reply(b"x"), **pages}) as web, fetching(signs=ALL, **settings) as fetcher:
        return await fetcher.fetch(web.url("/a"))


async def test_the_files_come_first_and_once(fetching: Fetching) -> None:
    async with serve({"/a": reply(b"x"), "/b": reply(b"x")}) as web, fetching(signs=ALL) as fetcher:
        fetched = await asyncio.gather(*(fetcher.fetch(web.url(path)) for path in ("/a", "/b") * 5))
    assert set(fetched) == {OK}
    assert asked(web)[:2] == ["/robots.txt", "/.well-known/tdmrep.json"]
    assert sorted(asked(web)[2:]) == ["/a"] * 5 + ["/b"] * 5
    assert "User-Agent: caption-fleet/" in web.heads[0]


async def test_nothing_is_asked_where_it_is_forbidden(fetching: Fetching) -> None:
    async with serve({"/a": reply(b"x"), "/robots.txt": NOTHING}) as web, fetching(signs=ALL) as fetcher:
        assert await fetcher.fetch(web.url("/a")) == Fetched(Status.OPT_OUT, "robots.txt: Disallow: /")
    assert asked(web) == ["/robots.txt"]


async def test_each_hop_has_its_own_files(fetching: Fetching) -> None:
    async with (
        serve({"/a": reply(b"x"), "/robots.txt": NOTHING}) as closed,
        serve({"/a": redirect(closed.url("/a")), "/robots.txt": OPEN}) as web,
        fetching(signs=ALL) as fetcher,
    ):
        assert await fetcher.fetch(web.url("/a")) == Fetched(Status.OPT_OUT, "robots.txt: Disallow: /")
    assert asked(closed) == ["/robots.txt"]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 451, 402, 304])
async def test_no_robots_txt_is_no_rule(fetching: Fetching, code: int) -> None:
    assert (
        await fetch(fetching, {"/robots.txt": reply(b"User-agent: *\nDisallow: /", status=f"{code} X")}) == OK
    )


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (reply(status="500 X"), Fetched(Status.HTTP_5XX, "robots.txt: 500")),
        (reply(status="503 X"), Fetched(Status.HTTP_5XX, "robots.txt: 503")),
        (reply(status="429 X"), Fetched(Status.HTTP_4XX, "robots.txt: 429")),
        (b"", Fetched(Status.CONNECT_ERROR, "robots.txt: ServerDisconnectedError")),
        (b"garbage\r\n\r\n", None),
        (redirect("http://169.254.169.254/latest/"), None),
        (redirect("file:///etc/passwd"), None),
        (redirect("http://nowhere.invalid/robots.txt"), Fetched(Status.DNS_ERROR, "robots.txt: EAI_NONAME")),
    ],
)
async def test_out_of_reach_is_neither_reservation_nor_permission(
    fetching: Fetching, page: bytes, outcome: Fetched | None
) -> None:
    fetched = await fetch(fetching, {"/robots.txt": page})
    assert (fetched.error or "").startswith("robots.txt: ")
    assert fetched.status in {Status.HTTP_4XX, Status.HTTP_5XX, Status.CONNECT_ERROR, Status.DNS_ERROR}
    assert outcome in {fetched, None}


async def test_a_silent_robots_txt_is_a_timeout(fetching: Fetching) -> None:
    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    fetched = await fetch(fetching, {"/robots.txt": silence}, read_timeout=0.3)
    assert fetched == Fetched(Status.TIMEOUT, "robots.txt: read")


async def test_a_robots_txt_leads_to_no_forbidden_address(fetching: Fetching, bird: Canary) -> None:
    pages = {"/robots.txt": redirect(f"http://127.0.0.5:{bird.port}/robots.txt"), "/a": reply(b"x")}
    async with serve(pages) as web, fetching(signs=ALL) as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).status is Status.CONNECT_ERROR
    assert bird.reached == []


@pytest.mark.parametrize(
    ("hops", "outcome"), [(5, Fetched(Status.OPT_OUT, "robots.txt: Disallow: /")), (6, OK)]
)
async def test_five_redirects_are_followed(fetching: Fetching, hops: int, outcome: Fetched) -> None:
    pages: dict[str, Page] = {f"/{n}": redirect(f"/{n - 1}") for n in range(1, hops)}
    assert await fetch(fetching, {**pages, "/robots.txt": redirect(f"/{hops - 1}"), "/0": NOTHING}) == outcome


async def test_rules_behind_a_redirect_hold_for_the_first_origin(fetching: Fetching) -> None:
    async with (
        serve({"/robots.txt": NOTHING, "/r": NOTHING}) as other,
        serve({"/robots.txt": redirect(other.url("/r")), "/a": reply(b"x")}) as web,
        fetching(signs=ALL) as fetcher,
    ):
        assert await fetcher.fetch(web.url("/a")) == Fetched(Status.OPT_OUT, "robots.txt: Disallow: /")


async def test_what_was_read_counts_where_there_is_more(fetching: Fetching) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /a\n")
        while True:
            writer.write(b"#" * 65_535 + b"\n")
            await writer.drain()

    assert await fetch(fetching, {"/robots.txt": endless}) == Fetched(
        Status.OPT_OUT, "robots.txt: Disallow: /a"
    )


async def test_content_codings_are_undone_and_bombs_say_nothing(fetching: Fetching) -> None:
    packed = gzip.compress(b"User-agent: *\nDisallow: /")
    page = reply(packed, headers="Content-Encoding: gzip\r\n")
    assert (await fetch(fetching, {"/robots.txt": page})).status is Status.OPT_OUT
    bomb = reply(gzip.compress(bytes(3 * MAX_BYTES)), headers="Content-Encoding: gzip\r\n")
    assert await fetch(fetching, {"/robots.txt": bomb}) == OK


TDM = reply(json.dumps([{"location": "/a", "tdm-reservation": 1}]).encode())
RESERVED = Fetched(Status.OPT_OUT, "tdmrep.json: /a")


@pytest.mark.parametrize(
    ("page", "settings", "outcome"),
    [
        (reply(b"x"), {}, RESERVED),
        (reply(b"x", headers="tdm-reservation: 0\r\n"), {}, OK),
        (reply(b"x", headers="tdm-reservation: 0\r\n"), {"strict_tdm": True}, RESERVED),
        (reply(b"x", headers="tdm-reservation: 1\r\n"), {}, Fetched(Status.OPT_OUT, "tdm-reservation: 1")),
        (reply(b"x", headers="tdm-reservation: true\r\n"), {}, RESERVED),
        (redirect("/b"), {}, Fetched(Status.OPT_OUT, "redirect: tdmrep.json: /a")),
        (reply(status="404 X"), {}, Fetched(Status.HTTP_4XX, "404")),
    ],
)
async def test_a_header_supersedes_the_file(
    fetching: Fetching, page: bytes, settings: dict[str, object], outcome: Fetched
) -> None:
    assert await fetch(fetching, {"/.well-known/tdmrep.json": TDM, "/a": page}, **settings) == outcome


@pytest.mark.parametrize("page", [reply(status="500 X"), reply(b"<html>"), b"", reply(status="404 X")])
async def test_a_tdmrep_json_out_of_reach_is_not_used(fetching: Fetching, page: bytes) -> None:
    assert await fetch(fetching, {"/.well-known/tdmrep.json": page}) == OK


async def test_a_crawl_delay_lies_between_two_starts(fetching: Fetching) -> None:
    pages = {"/a": reply(b"x"), "/robots.txt": reply(b"User-agent: *\nCrawl-delay: 0.5")}
    async with serve(pages) as web, fetching(signs=ALL) as fetcher:
        began = time.monotonic()
        assert set(await asyncio.gather(*(fetcher.fetch(web.url("/a")) for _ in range(3)))) == {OK}
        assert time.monotonic() - began >= 1
    long = {"/robots.txt": reply(b"User-agent: *\nCrawl-delay: 31")}
    assert await fetch(fetching, long) == Fetched(Status.TIMEOUT, "robots.txt: Crawl-delay: 31")


async def test_signs_that_are_not_honoured_are_not_asked_for(fetching: Fetching) -> None:
    pages = {"/a": reply(b"x"), "/robots.txt": NOTHING, "/.well-known/tdmrep.json": TDM}
    async with serve(pages) as web, fetching(signs=("plus",)) as fetcher:
        assert await fetcher.fetch(web.url("/a")) == OK
    assert asked(web) == ["/a"]


def test_a_site_is_shared_as_it_is() -> None:
    robots = parse_robots_txt("License: /l\nUser-agent: *\nCrawl-delay: 2\nDisallow: /é".encode())
    for site in (
        Site(5.0),
        Site(9.0, robots, (TdmRule("/a", is_reserved=True), TdmRule("/", is_reserved=False))),
        Site(7.0, failure=("http_5xx", "robots.txt: 500"), tries=3),
    ):
        assert Site.from_bytes(site.to_bytes()) == site
    assert len(Site(1_800_000_000.0).to_bytes()) < 20


@pytest.mark.parametrize(
    "entry", [b"", b"{}", b"[]", b"\xff", b'{"u":1,"f":["ok?","x"]}', b'{"u":1,"r":[1]}']
)
def test_what_is_no_site_is_none(entry: bytes) -> None:
    assert Site.from_bytes(entry) is None


def test_out_of_reach_is_asked_again_ever_later_and_old_rules_hold_on() -> None:

    failure = Failure(Status.HTTP_5XX, "robots.txt: 500")
    site, waits = Site(0.0), []
    for _ in range(6):
        site = site.out_of_reach(failure, 0.0)
        waits.append(site.until)
    assert waits == [FIRST_AGAIN, 600, 1200, 2400, LAST_AGAIN, LAST_AGAIN]
    assert site.failure == ("http_5xx", "robots.txt: 500")
    rules = parse_robots_txt(b"User-agent: *\nDisallow: /a")
    old = Site(100.0, rules).out_of_reach(failure, 200.0)
    assert (old.failure, old.robots, old.until) == (None, rules, 200 + FIRST_AGAIN)
