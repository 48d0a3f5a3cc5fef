"""One parser of addresses, and one spelling to compare them by."""

import random
import string

import ada_url
import pytest

from common.url import SchemeError, canonical_host, canonical_target, canonical_url, parse_url
from tests.web.addresses import ADDRESSES
from tests.web.vectors import MALFORMED, SCRIPTS

SAME = [
    ["http://e.test/a~b?c=%2F", "https://E.test./%61%7eb?c=%2f#d", "http:\\\\e.test:80\\a~b?c=%2F"],
    ["http://example.com/", "https://example.com", "https://example.com:443", "http://u:p@example.com/#a"],
    ["http://example.com:8080/", "https://Example.com.:8080"],
    ["http://xn--bcher-kva.test/%C3%A9", "https://B\u00dcCHER.test/\u00e9", "http://b%C3%BCcher.test/%c3%a9"],
    ["http://127.0.0.1/a", "http://2130706433/a", "https://127.0.0.1./a", "http://\u2460\u2461\u2466.1/a"],
    ["http://[::1]/a", "https://[0:0::1]:443/a"],
    ["http://h.test/a%20b%7Cc", "http://h.test/a b|c", "http://h.test/x/%2e%2E/a b%7cc"],
    ["http://h.test/100%25", "http://h.test/100%"],
    ["http://h.test/%2541", "http://h.test/%%341"],
]  # fmt: skip

DIFFERENT = [
    "http://h.test/a", "http://h.test/A", "http://h.test/a/", "http://h.test/a?", "http://h.test/a?b", "http://h.test/%2Fa",
    "http://h.test//a", "http://www.h.test/a", "http://h.test:81/a", "http://h.test/a%3Fb", "http://h.test/a%2520b",
    "http://h.test/a+b", "http://h.test/a%2Bb", "http://h.test/a%20b", "http://h.test/a%26b", "http://h.test/a&b",
]  # fmt: skip


@pytest.mark.parametrize("urls", SAME)
def test_spellings_of_the_same_address(urls: list[str]) -> None:
    assert len({canonical_url(url) for url in urls}) == 1


def test_addresses_that_differ() -> None:
    assert len({canonical_url(url) for url in DIFFERENT}) == len(DIFFERENT)


def test_the_form_itself() -> None:
    url = "https://user@IMG.Example.com.:8443/%7Ea/b%2fc|\u00e9?x=%41#y"
    assert canonical_url(url) == "img.example.com:8443/~a/b%2Fc%7C%C3%A9?x=A"


def test_the_form_of_a_form_is_itself() -> None:
    for path in ADDRESSES:
        form = canonical_url(f"http://h.test{path}")
        assert form.isascii()
        assert canonical_url(f"https://{form}") == form


def test_neither_more_nor_less_than_the_unreserved_is_decoded() -> None:
    unreserved = set(string.ascii_letters + string.digits + "-._~")
    for byte in range(256):
        expected = chr(byte) if chr(byte) in unreserved else f"%{byte:02X}"
        assert canonical_target(f"/{byte:02x}%{byte:02x}") == f"/{byte:02x}{expected}"


def test_forms_of_random_texts_are_stable_and_ascii() -> None:
    dice, found = random.Random(1), 0
    pieces = [
        "%",
        "%2",
        "%41",
        "%2F",
        "/",
        "\\",
        "..",
        ".",
        "?",
        "#",
        "@",
        ":",
        "a",
        "Z",
        "\u00e9",
        "\u4e2d",
        "|",
        "+",
        "[",
        "]",
    ]
    for _ in range(60_000):
        text = f"http://h.test/{''.join(dice.choices(pieces, k=dice.randrange(12)))}"
        form = canonical_url(text)
        found += form != text.removeprefix("http://")
        assert form.isascii()
        assert canonical_url(f"http://{form}") == form
    assert found > 30_000


def test_the_parser_is_ada() -> None:
    for path in ADDRESSES:
        url = parse_url(f"https://h.test:444{path}")
        ada = ada_url.URL(f"https://h.test:444{path}")
        assert str(url) == ada.href.partition("#")[0]
        assert (url.scheme, url.host, url.origin) == ("https", "h.test", ada.origin)


@pytest.mark.parametrize("host", SCRIPTS)
def test_hosts_in_every_script(host: str) -> None:
    assert canonical_host(host) == "127.0.0.1"


NO_HOSTS = [host for host in MALFORMED if not ada_url.check_url(f"http://{host}/")]


@pytest.mark.parametrize("host", [*NO_HOSTS, "", "a/b", "a\\b", "a?b", "a#b", "u@a", "a b", "a:99999"])
def test_what_is_no_host(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_host(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("EXAMPLE.com.", "example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("[::FFFF:1.2.3.4]", "[::ffff:102:304]"),
        ("example.com:8080", "example.com"),
    ],
)
def test_hosts(host: str, expected: str) -> None:
    assert canonical_host(host) == expected


def test_relative_urls_have_a_base() -> None:
    base = parse_url("https://h.test/a/b?c")
    assert str(parse_url("../d e", base)) == "https://h.test/d%20e"
    assert str(parse_url("?f", base)) == "https://h.test/a/b?f"
    assert str(parse_url("\\\\other.test\\g", base)) == "https://other.test/g"
    with pytest.raises(ValueError, match="URL"):
        parse_url("../d")


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://h/a", "data:image/png;base64,AA", "blob:http://h/a", "about:blank"]
)
def test_other_schemes(url: str) -> None:
    with pytest.raises(SchemeError):
        parse_url(url)


@pytest.mark.parametrize(
    "url", ["", "h.test/a", "//h.test/a", "http://", "http://h:99999/", "http://h/a\nb", "http://\ud800/"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_url(url)
