"""Files of policy as large as they may be, by rules as awkward as they may be: an address costs little."""

import json
import time
from collections.abc import Callable

import pytest

from common.signs import Honoured
from workers.fetch.signs.robots_parser import MAX_BYTES, parse_robots_txt
from workers.fetch.signs.robots_txt import MAX_ALIKE
from workers.fetch.signs.tdm import find_tdm_rule, parse_tdm_file

TARGETS = ["/" + "a" * 4000 + str(number) for number in range(10)]
SECONDS = 0.5
"""For ten addresses; rules that are tried one by one take ten times as long."""

KINDS: dict[str, Callable[[int], str]] = {
    "same": lambda _: "allow: /*Z",
    "wildcards": lambda number: f"allow: /*{number}Z",
    "many wildcards": lambda number: f"allow: *a*a*a*a*a*a*a*a*{number}Z",
    "literals": lambda number: f"disallow: /{number}",
    "nested": lambda number: f"disallow: /{'a' * (number % 500)}*{number}Z",
    "usages": lambda number: f"content-usage: /*{number}Z train-ai=y",
    "signals": lambda number: f"content-signal: ai-train=yes, {number}=no",
}


def lines(kind: str) -> bytes:
    count = MAX_BYTES // (len(KINDS[kind](99_999)) + 1)
    return "\n".join(["user-agent: *", *map(KINDS[kind], range(count))]).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_an_address_costs_little(kind: str) -> None:
    robots = parse_robots_txt(lines(kind))
    assert robots.rules.most_alike
    began = time.thread_time()
    for target in TARGETS:
        robots.find_refusal(target, Honoured())
    assert time.thread_time() - began < SECONDS


def test_more_rules_that_begin_alike_than_anybody_writes_forbid_everything() -> None:
    rule = "user-agent: *\n" + "".join(f"allow: /*{number}\n" for number in range(MAX_ALIKE))
    assert parse_robots_txt(rule.encode()).find_refusal("/a", Honoured()) is None
    refusal = parse_robots_txt(f"{rule}allow: /*x\n".encode()).find_refusal("/a", Honoured())
    assert refusal == f"robots.txt: more than {MAX_ALIKE} rules that begin alike"


def test_a_reservation_costs_little() -> None:
    entries = [{"location": f"/*a*a*{number}Z", "tdm-reservation": 0} for number in range(9000)]
    rules = parse_tdm_file(json.dumps(entries).encode())
    assert all(rule.pattern for rule in rules)
    began = time.thread_time()
    for target in TARGETS:
        find_tdm_rule(rules, target)
    assert time.thread_time() - began < SECONDS
