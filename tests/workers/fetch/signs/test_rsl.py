"""Licences of RSL 1.0: labelled cases, half of them near misses."""

import json
import time
import tracemalloc

import pytest

from common.run.status import Status
from common.signs import Honoured, sign_of
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched
from workers.fetch.signs.rsl import LicenseRule, find_license_refusal, parse_rsl
from workers.fetch.site import Site

PATH = "/images/a.jpg"
HOST = "example.org"
TRAIN = '<license><prohibits type="usage">ai-train</prohibits></license>'


def rsl(*contents: str, namespace: str = "https://rslstandard.org/rsl") -> str:
    return f'<?xml version="1.0"?><rsl xmlns="{namespace}">{"".join(contents)}</rsl>'


def content(inside: str = "", url: str = "/", attributes: str = "") -> str:
    return f'<content url="{url}" {attributes}>{inside}</content>'


def permits(uses: str, more: str = "", kind: str = "usage") -> str:
    return f'<license><permits type="{kind}">{uses}</permits>{more}</license>'


def prohibits(uses: str, kind: str = "usage") -> str:
    return f'<license><prohibits type="{kind}">{uses}</prohibits></license>'


def pays(kind: str) -> str:
    return f'<license><payment type="{kind}"><amount currency="USD">0.01</amount></payment></license>'


REFUSED = {
    "training": (rsl(content(TRAIN)), "prohibits ai-train"),
    "input": (rsl(content(prohibits("search ai-input"))), "prohibits ai-input"),
    "all of AI": (rsl(content(prohibits("ai-all"))), "prohibits ai-all"),
    "everything": (rsl(content(prohibits("all"))), "prohibits all"),
    "in any case, with commas": (rsl(content(prohibits("AI-Index,\n AI-Train"))), "prohibits ai-train"),
    "search alone": (rsl(content(permits("search"))), "permits search only"),
    "training without input": (rsl(content(permits("ai-train search"))), "permits ai-train search only"),
    "nothing": (rsl(content(permits(""))), "permits nothing only"),
    "a price of a crawl": (rsl(content(pays("crawl"))), "asks payment (crawl)"),
    "a subscription": (rsl(content(pays("subscription"))), "asks payment (subscription)"),
    "permitted for a price": (
        rsl(content(permits("all", '<payment type="use"/>'))), "asks payment (use)",
    ),
    "a server": (rsl(content(permits("all"), attributes='server="https://rsl.test"')), "a server grants it"),
    "a pattern": (rsl(content(TRAIN, "/images/*.jpg$")), "prohibits ai-train"),
    "the whole address": (rsl(content(TRAIN, "https://example.org/images/")), "prohibits ai-train"),
    "the longer pattern": (rsl(content(permits("all")), content(TRAIN, "/images/")), "prohibits ai-train"),
    "the stricter of equals": (rsl(content(permits("all")), content(TRAIN)), "prohibits ai-train"),
    "one of two licences prohibits": (rsl(content(permits("all") + TRAIN)), "prohibits ai-train"),
    "two licences, both for money": (rsl(content(pays("use") + pays("crawl"))), "asks payment (use)"),
    "no namespace": (rsl(content(TRAIN), namespace=""), "prohibits ai-train"),
    "no address": (rsl(f"<content>{TRAIN}</content>"), "prohibits ai-train"),
}  # fmt: skip

FREE = {
    "no licence": rsl(content()),
    "permitted": rsl(content(permits("all"))),
    "AI permitted": rsl(content(permits("ai-all search"))),
    "both uses permitted": rsl(content(permits("ai-train, ai-input"))),
    "search prohibited": rsl(content(prohibits("search"))),
    "an index prohibited": rsl(content(prohibits("ai-index"))),
    "a word that begins alike": rsl(content(prohibits("ai-training ai-inputs allowance"))),
    "users prohibited": rsl(content(prohibits("ai-train", kind="user"))),
    "free": rsl(content(pays("free"))),
    "for attribution": rsl(content(pays("attribution"))),
    "free beside a price": rsl(content(pays("crawl") + pays("free"))),
    "another path": rsl(content(TRAIN, "/video/")),
    "another case of the path": rsl(content(TRAIN, "/Images/")),
    "another host": rsl(content(TRAIN, "https://example.net/images/")),
    "another port": rsl(content(TRAIN, "https://example.org:8443/images/")),
    "a longer pattern that permits": rsl(content(TRAIN), content(permits("all"), "/images/")),
    "another namespace": rsl(content(TRAIN), namespace="https://example.net/rsl"),
    "a comment": rsl(f"<!-- {content(TRAIN)} -->"),
    "a licence outside of contents": rsl(TRAIN),
    "an HTML page": "<!doctype html><html><body>ai-train</body></html>",
    "broken": rsl(content(TRAIN))[:-5],
    "an entity": '<!DOCTYPE rsl [<!ENTITY a "ai-train">]>' + rsl(content(prohibits("&a;")))[21:],
    "empty": "",
}


@pytest.mark.parametrize("name", REFUSED)
def test_terms_that_are_not_for_us(name: str) -> None:
    text, refusal = REFUSED[name]
    assert find_license_refusal(parse_rsl(text.encode(), HOST), PATH) == refusal


@pytest.mark.parametrize("name", FREE)
def test_terms_that_refuse_nothing(name: str) -> None:
    assert find_license_refusal(parse_rsl(FREE[name].encode(), HOST), PATH) is None


DEEP = "<a>" * 80_000 + "</a>" * 80_000
HOSTILE = {
    "deep": rsl(content(DEEP)),
    "many contents": rsl(content() * 15_000),
    "many licences": rsl(content("<license/>" * 40_000)),
    "wide": rsl("<content " + " ".join(f'a{n}=""' for n in range(40_000)) + "/>"),
    "a long text": rsl(content(prohibits("a " * 200_000))),
    "an address that is none": rsl(content(TRAIN, "https://[::1/")),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little(name: str) -> None:
    body = HOSTILE[name].encode()[: 500 << 10]
    tracemalloc.start()
    before = time.process_time()
    assert find_license_refusal(parse_rsl(body, HOST), PATH) in {None, "permits nothing only"}
    seconds, peak = time.process_time() - before, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 3
    assert peak < 48 << 20


def test_terms_travel_with_what_is_known_of_a_site() -> None:
    site = Site(9e9, licenses=(LicenseRule("/a", "prohibits ai-train"), LicenseRule("/b", "")))
    assert Site.from_bytes(site.to_bytes()) == site
    assert "c" not in json.loads(Site(9e9).to_bytes())


async def test_the_terms_of_a_robots_txt_are_kept(fetching: Fetching) -> None:
    pages = {
        "/robots.txt": reply(b"License: /terms.xml\nUser-agent: *\nAllow: /"),
        "/terms.xml": reply(rsl(content(TRAIN, "/private/")).encode()),
        "/private/a": reply(b"x"),
        "/a": reply(b"x"),
        "/to": redirect("/private/a"),
    }
    refused = Fetched(Status.OPT_OUT, "license: prohibits ai-train")
    async with serve(pages) as web, fetching(signs=("all",)) as fetcher:
        assert await fetcher.fetch(web.url("/private/a")) == refused
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"
        assert await fetcher.fetch(web.url("/to")) == refused
    async with serve(pages) as web, fetching(signs=("all", "-license")) as fetcher:
        assert (await fetcher.fetch(web.url("/private/a"))).body == b"x"
    assert sign_of(refused.error or "") == "license"
    assert "license" in Honoured().names


@pytest.mark.parametrize(
    "address", ["/gone", "http://169.254.169.254/x", "file:///etc/passwd", "http://nowhere.invalid/", ""]
)
async def test_terms_that_cannot_be_read_are_not_used(fetching: Fetching, address: str) -> None:
    pages = {"/robots.txt": reply(f"License: {address}\nUser-agent: *\nAllow: /".encode()), "/a": reply(b"x")}
    async with serve(pages) as web, fetching(signs=("all",)) as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).body == b"x"
