"""Signs in the head of a response: labelled cases, half of them near misses."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from common.run.status import Status
from common.signs import SIGNS, Honoured, Where, sign_of
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched
from workers.fetch.signs.response import find_header_sign

HEADERS = tuple(sign.name for sign in SIGNS if sign.where in {Where.HEADER, Where.STATUS})
HEADERS = (*HEADERS, *(sign.name for sign in SIGNS if sign.where is Where.BOTH))


async def test_a_forbidden_image_is_a_row_with_its_rule(fetching: Fetching) -> None:
    pages = {
        "/robots": reply(b"x", headers="X-Robots-Tag: noindex, nofollow\r\n"),
        "/tdm": reply(b"x", headers="TDM-Reservation: 1\r\n"),
        "/hop": reply(status="301 X", headers="Location: /free\r\nX-Robots-Tag: noai\r\n"),
        "/free": reply(b"x", headers="X-Robots-Tag: all\r\n"),
        "/gone": reply(b"x", status="404 Not Found", headers="X-Robots-Tag: noindex\r\n"),
        "/to": redirect("/robots"),
    }
    async with serve(pages) as web, fetching(signs=HEADERS) as fetcher:
        expected = {
            "/robots": Fetched(Status.OPT_OUT, "x-robots-tag: noindex"),
            "/tdm": Fetched(Status.OPT_OUT, "tdm-reservation: 1"),
            "/hop": Fetched(Status.OPT_OUT, "redirect: x-robots-tag: noai"),
            "/free": Fetched(Status.OK, body=b"x"),
            "/gone": Fetched(Status.HTTP_4XX, "404"),
            "/to": Fetched(Status.OPT_OUT, "x-robots-tag: noindex"),
        }
        assert {path: await fetcher.fetch(web.url(path)) for path in pages} == expected


async def test_the_operator_may_switch_it_off(fetching: Fetching) -> None:
    page = {"/a": reply(b"x", headers="X-Robots-Tag: noai\r\nContent-Usage: ai-use=n\r\n")}
    async with serve(page) as web, fetching(opt_out=False, signs=HEADERS) as old, fetching(signs=()) as new:
        assert (await old.fetch(web.url("/a"))).status is Status.OK
        assert (await new.fetch(web.url("/a"))).status is Status.OK
    async with serve(page) as web, fetching(signs=(*HEADERS, "-x-robots-tag:noai")) as fetcher:
        assert (await fetcher.fetch(web.url("/a"))).error == "content-usage: ai-use=n"


def find(*headers: tuple[str, str]) -> str | None:
    return find_header_sign(CIMultiDictProxy(CIMultiDict(headers)), Honoured())


@pytest.mark.parametrize("name", ["X-Robots-Tag", "x-robots-tag", "X-ROBOTS-TAG"])
def test_the_case_of_the_name_does_not_matter(name: str) -> None:
    assert find((name, "noai")) == "x-robots-tag: noai"


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
    ("noml",): "noml",
    ("noarchive, NoML",): "noml",
    ("all, noai",): "noai",
    ("index, follow, noimageai",): "noimageai",
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
    ("noairline",): None,
    ("nomlx",): None,
    ("noimageaix, nonesuch",): None,
    ("caption: noai",): None,
    ("caption-fleet-x: noindex",): None,
    ("my-caption-fleet: noindex",): None,
    ("GPTBot: noai, CCBot: noml",): None,
    ("max-image-preview: none, max-snippet: 0",): None,
    ("indexifembedded, nositelinkssearchbox",): None,
}


@pytest.mark.parametrize(("values", "rule"), TABLE.items())
def test_the_table_of_robots_tags(values: tuple[str, ...], rule: str | None) -> None:
    assert find(*(("X-Robots-Tag", value) for value in values)) == (rule and f"x-robots-tag: {rule}")


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
    ("01",): False,
    ("1.0",): False,
    ("yes",): False,
    ("-1",): False,
    ("0", "0"): False,
}


@pytest.mark.parametrize(("values", "reserved"), RESERVATIONS.items())
def test_the_table_of_reservations(values: tuple[str, ...], reserved: bool) -> None:
    expected = "tdm-reservation: 1" if reserved else None
    assert find(*(("tdm-reservation", value) for value in values)) == expected


USAGES = {
    ("train-ai=n",): "train-ai=n",
    ("ai-use=n",): "ai-use=n",
    ("search=y, train-ai=n",): "train-ai=n",
    ("search=y,train-ai=n",): "train-ai=n",
    ("search=y", "train-ai=n"): "train-ai=n",
    ("train-ai=n;exceptions=none",): "train-ai=n",
    ("train-ai=y, train-ai=n",): "train-ai=n",
    ("train-ai=y, ai-use=n",): "ai-use=n",
    ("other, train-ai=n",): "train-ai=n",
    ("x=(a b), train-ai=n",): "train-ai=n",
    ("  train-ai=n  ",): "train-ai=n",
    ("tdm=n",): "tdm=n",
    ("ai=n",): "ai=n",
    ("genai=n",): "genai=n",
    ("inference=n",): "inference=n",
    ("all=n",): "all=n",
    ("train-genai=n",): "train-genai=n",
    ("bots=n",): "bots=n",
    ("ai-output=n",): "ai-output=n",
    # what is no preference
    ("train-ai=y",): None,
    ("train-ai",): None,
    ('train-ai="n"',): None,
    ("train-ai=?0",): None,
    ("train-ai=?1",): None,
    ("train-ai=N",): None,
    ("train-ai=no",): None,
    ("train-ai=(n)",): None,
    ("train-ai=:bg==:",): None,
    ("train-ai=0",): None,
    ("Train-AI=n",): None,
    ("train-ai = n",): None,
    ("train-ai= n",): None,
    ("train-ai=n,",): None,
    ("train-ai=n; =",): None,
    ("train-ai=n", "train-ai=y"): None,
    ("search=n",): None,
    ("search=n, train-ai=y",): None,
    ("train-aix=n",): None,
    ("xtrain-ai=n",): None,
    ("train=n",): None,
    ("x;train-ai=n",): None,
    ("train\u00e4=n, train-ai=n",): None,
    ("",): None,
}


@pytest.mark.parametrize(("values", "rule"), USAGES.items())
def test_the_table_of_usage_preferences(values: tuple[str, ...], rule: str | None) -> None:
    found = find(*(("Content-Usage", value) for value in values))
    assert found == (rule and f"content-usage: {rule}")


SIGNALS = {
    ("ai-train=no",): "ai-train=no",
    ("search=yes,ai-train=no",): "ai-train=no",
    ("search=yes, ai-input=no, ai-train=yes",): "ai-input=no",
    ("search=yes", "ai-train=no"): "ai-train=no",
    ("use=immediate",): "use=immediate",
    ("search=yes, use=reference",): "use=reference",
    ("AI-Train=No",): "ai-train=no",
    ("ai-train=yes, ai-train=no",): "ai-train=no",
    ("search=yes,ai-train=yes",): None,
    ("ai-train=yes, ai-input=yes, search=no",): None,
    ("search=no",): None,
    ("use=full",): None,
    ("ai-train",): None,
    ("ai-train=",): None,
    ("ai-train=none",): None,
    ("ai-training=no",): None,
    ("train-ai=no",): None,
    ("ai=no",): None,
    ("reuse=reference",): None,
    ("use=references",): None,
    ("no",): None,
    ("",): None,
}


@pytest.mark.parametrize(("values", "rule"), SIGNALS.items())
def test_the_table_of_content_signals(values: tuple[str, ...], rule: str | None) -> None:
    found = find(*(("Content-Signal", value) for value in values))
    assert found == (rule and f"content-signal: {rule}")


async def test_the_status_may_be_a_sign(fetching: Fetching) -> None:
    pages = {
        "/paid": reply(status="402 Payment Required", headers="crawler-price: USD 0.01\r\n"),
        "/pay": reply(status="402 Payment Required"),
        "/law": reply(status="451 Unavailable For Legal Reasons"),
        "/not": reply(status="403 Forbidden", headers="crawler-price: USD 0.01\r\n"),
    }
    async with serve(pages) as web, fetching(signs=HEADERS) as fetcher:
        assert {path: await fetcher.fetch(web.url(path)) for path in pages} == {
            "/paid": Fetched(Status.OPT_OUT, "http 402: crawler-price USD 0.01"),
            "/pay": Fetched(Status.OPT_OUT, "http 402"),
            "/law": Fetched(Status.HTTP_4XX, "451"),
            "/not": Fetched(Status.HTTP_4XX, "403"),
        }
    async with serve(pages) as web, fetching(signs=(*HEADERS, "-http 402")) as fetcher:
        assert await fetcher.fetch(web.url("/paid")) == Fetched(Status.HTTP_4XX, "402")


def test_a_header_lifts_the_reservation_of_the_file() -> None:
    lifting = CIMultiDictProxy(CIMultiDict({"tdm-reservation": "0"}))
    silent = CIMultiDictProxy(CIMultiDict({"tdm-policy": "https://example.com/terms"}))
    assert find_header_sign(lifting, Honoured(), "/a/") is None
    assert find_header_sign(lifting, Honoured(), "/a/", strict=True) == "tdmrep.json: /a/"
    assert find_header_sign(silent, Honoured(), "/a/") == "tdmrep.json: /a/"


def test_a_sign_is_taken_off_by_its_name() -> None:
    assert set(Honoured().names) == {sign.name for sign in SIGNS}
    assert len(Honoured().names) == len(SIGNS)
    assert "plus" not in Honoured(("all", "-plus")).names
    assert Honoured(("plus", "http 402")).names == ("plus", "http 402")
    assert not Honoured(())
    with pytest.raises(ValueError, match="did you mean x-robots-tag:noai"):
        Honoured(("x-robots-tag:noia",))


@pytest.mark.parametrize(
    ("error", "sign"),
    {
        "robots.txt: Disallow: /a/": "robots.txt",
        "robots.txt: content-usage: train-ai=n": "content-usage:train-ai",
        "robots.txt: content-signal: ai-train=no": "content-signal:ai-train",
        "x-robots-tag: noai": "x-robots-tag:noai",
        "redirect: x-robots-tag: noai": "x-robots-tag:noai",
        "tdm-reservation: 1": "tdm-reservation",
        "tdmrep.json: /a/": "tdmrep.json",
        "content-usage: ai-use=n": "content-usage:ai-use",
        "plus: DMI-PROHIBITED-SEECONSTRAINT": "plus",
        "tdm:reservation: 1": "tdm:reservation",
        "cawg.training-mining: ai_inference notAllowed": "c2pa:cawg.training-mining",
        "http 402: crawler-price USD 0.01": "http 402",
        "http 402": "http 402",
        "a sign of another version": "other",
    }.items(),
)
def test_a_row_is_counted_under_its_sign(error: str, sign: str) -> None:
    assert sign_of(error) == sign
