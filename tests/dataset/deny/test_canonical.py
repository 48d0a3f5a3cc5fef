"""The fast way to canonical forms is the parser's, and whole columns are denied as single rows are."""

import random

import pyarrow as pa

from common.deny.deny_list import parse_deny_list
from common.url import canonical_url
from dataset.deny.canonical import canonical_urls
from dataset.deny.denied import denied_rows

PIECES = (
    "http://",
    "https://",
    "HTTP://",
    "ftp://",
    "a.example",
    "B.Example",
    "xn--bcher-kva.example",
    "bücher.example",
    "a-b.example",
    "a_b.example",
    "1.2.3.4",
    "0x7f.1",
    "a.1",
    "-a.example",
    "a--b.example",
    "localhost",
    ":80",
    ":8080",
    "/",
    "//",
    "/./",
    "/../",
    "/.a",
    "/a.b",
    "%7E",
    "%2f",
    "%zz",
    "?",
    "?q=a+b",
    "'",
    '"',
    "<",
    "[x]",
    "|",
    "^",
    "`",
    "{",
    "}",
    "#f",
    "é",
    " ",
    "\\",
    "@",
    ";",
    "~",
    "!$&()*+,=:",
    "\t",
)


def _canonical(url: str) -> str | None:
    try:
        return canonical_url(url)
    except ValueError:
        return None


def _addresses(count: int) -> list[str]:
    draw = random.Random(0)
    return [
        draw.choice(PIECES[:2]) + "".join(draw.choices(PIECES, k=draw.randrange(1, 7))) for _ in range(count)
    ]


def test_columns_have_the_canonical_forms_of_their_rows() -> None:
    urls = [*_addresses(20_000), "http://a.example/plain/path-1.jpg?w=1&h=2", None]
    found = canonical_urls(pa.array(urls, pa.string())).to_pylist()
    assert found == [None if url is None else _canonical(url) for url in urls]
    assert sum(one is not None for one in found) > 3_000


def test_columns_are_denied_as_rows_are() -> None:
    lines = [
        "a.example", "bücher.example", "*://B.example/*", "*/a.b*", "https://1.2.3.4/", "http://a-b.example/?q=a+b",
        "cd" * 32, "nothing.example",
    ]  # fmt: skip
    urls = _addresses(5_000)
    images = ["cd" * 32 if number % 50 == 0 else None for number in range(len(urls))]
    columns, single = parse_deny_list(lines, "list"), parse_deny_list(lines, "list")
    found = denied_rows(columns, canonical_urls(pa.array(urls, pa.string())), pa.array(images, pa.string()))
    expected = [
        single.rule(url) is not None or image is not None for url, image in zip(urls, images, strict=True)
    ]
    assert found.to_pylist() == expected
    assert 100 < sum(expected) < len(urls)
    assert [entry.text for entry in columns.unmatched] == ["nothing.example"]
