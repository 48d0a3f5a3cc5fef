"""robots.txt: the examples of RFC 9309, of AIPREF and of Content Signals, and near misses."""

import time
import tracemalloc

import pytest
from protego import Protego

from common.signs import Honoured
from workers.fetch.signs.robots_parser import parse_robots_txt
from workers.fetch.signs.robots_txt import RobotsTxt

KIN = ("img2dataset", "LAIONDownloader", "laion-huggingface-processor")
US = "User-agent: caption-fleet\n"
ALL = "User-agent: *\n"


def find(text: str | bytes, path: str = "/a/b.jpg") -> str | None:
    body = text.encode() if isinstance(text, str) else text
    found = parse_robots_txt(body, KIN).find_refusal(path, Honoured())
    return found and found.removeprefix("robots.txt: ")


DISALLOWED: dict[str, tuple[str | bytes, str, str]] = {
    "everybody": (ALL + "Disallow: /", "/a", "Disallow: /"),
    "us": (US + "Disallow: /a/", "/a/b.jpg", "Disallow: /a/"),
    "us, in any case": ("USER-AGENT: Caption-Fleet\nDISALLOW: /a", "/a", "Disallow: /a"),
    "us with a version": ("User-agent: caption-fleet/1.0\nDisallow: /", "/a", "Disallow: /"),
    "us among others": ("User-agent: x\nUser-agent: caption-fleet\nDisallow: /", "/a", "Disallow: /"),
    "us twice": (US + "Disallow: /a\n" + ALL + "Allow: /\n" + US + "Disallow: /b", "/b", "Disallow: /b"),
    "everybody twice": (
        ALL + "Disallow: /a\nUser-agent: x\nDisallow: /c\n" + ALL + "Disallow: /b",
        "/b",
        "Disallow: /b",
    ),
    "empty lines in a group": (US + "\n\nDisallow: /a\n\nDisallow: /b", "/b", "Disallow: /b"),
    "a sitemap between agents": (
        "User-agent: caption-fleet\nSitemap: /s.xml\nUser-agent: x\nDisallow: /",
        "/a",
        "Disallow: /",
    ),
    "an unknown record in a group": (US + "Noindex: /x\nDisallow: /", "/a", "Disallow: /"),
    "a crawl delay between agents": (US + "Crawl-delay: 1\nUser-agent: x\nDisallow: /", "/a", "Disallow: /"),
    "a byte order mark": (b"\xef\xbb\xbfUser-agent: *\nDisallow: /", "/a", "Disallow: /"),
    "CR alone": (b"User-agent: *\rDisallow: /", "/a", "Disallow: /"),
    "CR LF": (b"User-agent: *\r\nDisallow: /\r\n", "/a", "Disallow: /"),
    "blanks": ("  User-agent \t:\t* \n\tDisallow  :   /a  ", "/a", "Disallow: /a"),
    "no blank": ("User-agent:*\nDisallow:/a", "/a", "Disallow: /a"),
    "comments": ("User-agent: * # all\nDisallow: /a # that", "/a", "Disallow: /a"),
    "a broken line before": ("<html>\nnonsense\n" + ALL + "Disallow: /", "/a", "Disallow: /"),
    "the longest": (ALL + "Allow: /a\nDisallow: /a/b", "/a/b.jpg", "Disallow: /a/b"),
    "the longest, whatever its place": (ALL + "Disallow: /a/b\nAllow: /a", "/a/b.jpg", "Disallow: /a/b"),
    "a star": (ALL + "Disallow: /*.gif", "/x/y.gif", "Disallow: /*.gif"),
    "a star at the end": (ALL + "Disallow: /a*", "/abc", "Disallow: /a*"),
    "a star of nothing": (ALL + "Disallow: /a*b", "/ab", "Disallow: /a*b"),
    "an end": (ALL + "Disallow: /*.gif$", "/x.gif", "Disallow: /*.gif$"),
    "an end that comes twice": (ALL + "Disallow: /*.gif$", "/x.gif.gif", "Disallow: /*.gif$"),
    "two stars": (ALL + "Disallow: /a/*/c/*.png", "/a/b/c/d.png", "Disallow: /a/*/c/*.png"),
    "a query": (ALL + "Disallow: /*?", "/a?b=1", "Disallow: /*?"),
    "a dollar inside": (ALL + "Disallow: /a$b", "/a$b", "Disallow: /a$b"),
    "a star itself": (ALL + "Disallow: /a%2Ab", "/a*b", "Disallow: /a%2Ab"),
    "a star itself, encoded": (ALL + "Disallow: /a%2ab", "/a%2Ab", "Disallow: /a%2ab"),
    "a dollar itself": (ALL + "Disallow: /a%24", "/a$b", "Disallow: /a%24"),
    "an encoded letter in the rule": (ALL + "Disallow: /%61/", "/a/b.jpg", "Disallow: /%61/"),
    "an encoded letter in the address": (ALL + "Disallow: /a~/", "/%61%7E/b.jpg", "Disallow: /a~/"),
    "small hexadecimal digits": (ALL + "Disallow: /%c3%a9", "/%C3%A9.jpg", "Disallow: /%c3%a9"),
    "not ASCII": (ALL + "Disallow: /é", "/%C3%A9.jpg", "Disallow: /é"),
    "a slash that is encoded": (ALL + "Disallow: /a%2Fb", "/a%2fb", "Disallow: /a%2Fb"),
    "our kind": ("User-agent: img2dataset\nDisallow: /\n" + ALL + "Allow: /", "/a", "Disallow: /"),
    "our kind, in any case": ("User-agent: laiondownloader\nDisallow: /", "/a", "Disallow: /"),
    "the record after NUL": (b"User-agent: *\n\0\0\nDisallow: /", "/a", "Disallow: /"),
    "a star agent with words": ("User-agent: * all of you\nDisallow: /", "/a", "Disallow: /"),
    "the example of RFC 9309, 5.1": (
        "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n",
        "/example/x",
        "Disallow: /example/",
    ),
    "its gif": (
        "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n",
        "/x.gif",
        "Disallow: *.gif$",
    ),
    "the example of RFC 9309, 5.2": (
        "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n".replace(
            "foobot", "caption-fleet"
        ),
        "/example/page/disallowed.gif",
        "Disallow: /example/page/disallowed.gif",
    ),
}

ALLOWED = {
    "an empty file": ("", "/a"),
    "an HTML page": ("<!doctype html><html><body>Disallow: /</body></html>", "/a"),
    "rules before any agent": ("Disallow: /\n" + ALL + "Disallow: /x", "/a"),
    "another agent": ("User-agent: GPTBot\nDisallow: /", "/a"),
    "our name's beginning": ("User-agent: caption\nDisallow: /", "/a"),
    "a longer name": ("User-agent: caption-fleet-x\nDisallow: /", "/a"),
    "our name inside": ("User-agent: my-caption-fleet\nDisallow: /", "/a"),
    "a name with blanks": ("User-agent: captionfleet\nDisallow: /", "/a"),
    "our own group beats everybody's": (ALL + "Disallow: /\n" + US + "Disallow: /x", "/a"),
    "our own group, empty": (ALL + "Disallow: /\n" + US + "Disallow:\n", "/a"),
    "our own group beats our kind's": ("User-agent: img2dataset\nDisallow: /\n" + US + "Disallow:", "/a"),
    "our kind's group beats everybody's": (ALL + "Disallow: /\nUser-agent: img2dataset\nDisallow: /x", "/a"),
    "an empty disallow": (ALL + "Disallow:", "/a"),
    "a comment": (ALL + "#Disallow: /", "/a"),
    "another path": (ALL + "Disallow: /b", "/a"),
    "another case": (ALL + "Disallow: /A", "/a"),
    "a file, not a folder": (ALL + "Disallow: /a/", "/a"),
    "a path without slash": (ALL + "Disallow: a", "/a"),
    "allow of the same length": (ALL + "Disallow: /a\nAllow: /a", "/a"),
    "allow of the same length, otherwise spelt": (ALL + "Disallow: /%61\nAllow: /a", "/a"),
    "a longer allow": (ALL + "Disallow: /a\nAllow: /a/b", "/a/b.jpg"),
    "an end not reached": (ALL + "Disallow: /*.gif$", "/x.gif?1"),
    "an end of nothing": (ALL + "Disallow: /$", "/a"),
    "an end inside": (ALL + "Disallow: /a$b", "/a"),
    "a star itself": (ALL + "Disallow: /a%2Ab", "/axb"),
    "a dollar itself": (ALL + "Disallow: /a%24", "/a"),
    "an encoded slash": (ALL + "Disallow: /a%2Fb", "/a/b"),
    "an encoded slash in the address": (ALL + "Disallow: /a/b", "/a%2Fb"),
    "overlapping pieces": (ALL + "Disallow: /ab*ba$", "/aba"),
    "a line end that is none, U+2028": (ALL + "# a\u2028Disallow: /", "/a"),
    "a line end that is none, U+0085": (ALL + "# a\u0085Disallow: /", "/a"),
    "a line end that is none, FF": (ALL + "# a\fDisallow: /", "/a"),
    "a line end that is none, VT": (ALL + "# a\vDisallow: /", "/a"),
    "a disallow of others that ends a list": ("User-agent: x\nDisallow: /\n" + US + "Allow: /", "/a"),
    "robots.txt itself": (ALL + "Disallow: /", "/robots.txt"),
    "a misspelt record": (ALL + "Dissallow: /", "/a"),
    "no colon": (ALL + "Disallow /", "/a"),
    "a publication of RFC 9309, 5.1": (
        "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n",
        "/publications/x",
    ),
    "behind 500 KiB": (ALL + "#" * (500 << 10) + "\nDisallow: /", "/a"),
}


@pytest.mark.parametrize("name", DISALLOWED)
def test_a_path_is_forbidden(name: str) -> None:
    text, path, rule = DISALLOWED[name]
    assert find(text, path) == rule


@pytest.mark.parametrize("name", ALLOWED)
def test_a_path_is_free(name: str) -> None:
    assert find(*ALLOWED[name]) is None


OTHERWISE = {
    "us with a version",  # protego compares the beginning of names
    "a crawl delay between agents",
    "our kind",
    "our kind, in any case",
    "a star agent with words",
    "a star itself",
    "a star itself, encoded",
    "a dollar itself",
    "a dollar inside",
    "a longer name",
    "our name inside",
    "our kind's group beats everybody's",
    "our name's beginning",
    "robots.txt itself",
    "behind 500 KiB",
    "a misspelt record",
    "no colon",
    "allow of the same length, otherwise spelt",
}
"""Where protego differs on purpose or by its faults: prefixes of names, patterns, limits."""


@pytest.mark.parametrize(
    ("name", "text", "path", "is_forbidden"),
    [(name, *DISALLOWED[name][:2], True) for name in DISALLOWED if name not in OTHERWISE]
    + [(name, *ALLOWED[name], False) for name in ALLOWED if name not in OTHERWISE and "none, " not in name],
)
def test_protego_agrees(name: str, text: str | bytes, path: str, is_forbidden: bool) -> None:
    body = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    assert Protego.parse(body).can_fetch(f"https://example.com{path}", "caption-fleet") is not is_forbidden


PREFERENCES = {
    ALL + "Content-Usage: train-ai=n": "content-usage: train-ai=n",
    ALL + "Allow: /\nContent-Usage: ai-use=n": "content-usage: ai-use=n",
    ALL + "content-usage : /a/ train-ai=n": "content-usage: train-ai=n",
    ALL + "Content-Usage: /a/\ttrain-ai=n": "content-usage: train-ai=n",
    ALL + "Content-Usage: train-ai=y\nContent-Usage: /a/ train-ai=n": "content-usage: train-ai=n",
    ALL + "Content-Usage: /a/ train-ai=y\nContent-Usage: /a/ train-ai=n": "content-usage: train-ai=n",
    ALL + "Content-Usage: /*.jpg$ ai-use=n": "content-usage: ai-use=n",
    US + "Content-Usage: train-genai=n": "content-usage: train-genai=n",
    ALL + "Content-Signal: search=yes,ai-train=no\nAllow: /": "content-signal: ai-train=no",
    ALL + "Content-signal: ai-input=no": "content-signal: ai-input=no",
    ALL + "Content-Signal: search=yes, use=reference": "content-signal: use=reference",
    "Content-Signal: ai-train=no\n" + US + "Allow: /": "content-signal: ai-train=no",
    "Content-Signal: ai-train=no": "content-signal: ai-train=no",
    ALL + "Content-Signal: ai-train=yes\nContent-Signal: ai-train=no": "content-signal: ai-train=no",
    ALL + "Disallow: /a\nContent-Usage: train-ai=n": "Disallow: /a",
    # what refuses nothing
    ALL + "Content-Usage: train-ai=y": None,
    ALL + "Content-Usage: /b/ train-ai=n": None,
    ALL + "Content-Usage: /a/ train-ai=y\nContent-Usage: train-ai=n": None,
    ALL + "Content-Usage: train-ai = n": None,
    ALL + "Content-Usage: Train-AI=n": None,
    ALL + "Content-Usage: search=n": None,
    ALL + "Content-Usage: /a/train-ai=n": None,
    ALL + "# Content-Usage: train-ai=n": None,
    "Content-Usage: train-ai=n": None,
    "Content-Usage: train-ai=n\n" + ALL + "Allow: /": None,
    "User-agent: x\nContent-Usage: train-ai=n\n" + US + "Allow: /": None,
    ALL + "Content-Usage: train-ai=n\n" + US + "Allow: /": None,
    ALL + "Content-Signal: search=yes, ai-train=yes": None,
    ALL + "Content-Signal: search=no": None,
    ALL + "Content-Signal: use=full": None,
    ALL + "# Content-Signal: ai-train=no": None,
    ALL + "# ai-train: training or fine-tuning AI models.\n# Content-Signal: ai-train=no\nAllow: /": None,
    "User-agent: GPTBot\nContent-Signal: ai-train=no\n" + US + "Allow: /": None,
    ALL + "Content-Signals: ai-train=no": None,
}


@pytest.mark.parametrize(("text", "rule"), PREFERENCES.items())
def test_preferences_in_the_file(text: str, rule: str | None) -> None:
    assert find(text) == rule


def test_delay_and_license_are_read() -> None:
    text = (
        b"License: https://example.com/rsl.xml\nUser-agent: *\nCrawl-delay: 2.5\nDisallow:\n"
        b"User-agent: x\nCrawl-delay: 9\n"
    )
    assert parse_robots_txt(text) == RobotsTxt((), 2.5, "https://example.com/rsl.xml")
    assert (
        parse_robots_txt(b"User-agent: *\nCrawl-delay: soon\nCrawl-delay: nan\nCrawl-delay: inf").delay == 0
    )


def many_agents(count: int) -> bytes:
    agents = b"".join(b"User-agent: bot%d\n" % n for n in range(count))
    return agents + b"".join(b"Disallow: /%d\n" % n for n in range(count))


HOSTILE = {
    "2,000 agents x 2,000 rules": many_agents(2_000),
    "the same, and us": US.encode() + many_agents(2_000),
    "500 KiB of agents x rules": US.encode() + many_agents(15_000),
    "groups of us": b"User-agent: caption-fleet\nDisallow: /x\n" * 12_000,
    "wildcards": ALL.encode() + b"Disallow: /" + b"*a" * 250_000 + b"b",
    "rules of wildcards": ALL.encode() + (b"Disallow: /" + b"*a" * 40 + b"b\n") * 5_500,
    "one line": b"Disallow: /" * 50_000,
    "colons": b":" * 500_000,
    "line ends": b"\r" * 250_000 + b"\n" * 250_000,
    "percent signs": ALL.encode() + b"Disallow: /" + b"%41" * 160_000,
    "usage": ALL.encode() + b"Content-Usage: train-ai=y\n" * 19_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little_time(name: str) -> None:
    body = HOSTILE[name] * 2
    before = time.process_time()
    rules = parse_robots_txt(body, KIN)
    for _ in range(2):
        assert rules.find_refusal("/" + "a" * 4_000, Honoured()) is None
    assert time.process_time() - before < 3, "seconds of CPU"


@pytest.mark.parametrize("name", ["500 KiB of agents x rules", "groups of us", "wildcards"])
def test_a_hostile_file_costs_little_memory(name: str) -> None:
    tracemalloc.start()
    rules = parse_robots_txt(HOSTILE[name], KIN)
    rules.find_refusal("/a", Honoured())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20
