"""tdmrep.json: the examples of TDMRep, and near misses."""

import json
import time
from typing import Any

import pytest

from workers.fetch.signs.tdm import find_tdm_rule, parse_tdm_file

PATH = "/a/b.jpg"


def entry(location: str, value: Any = 1, **more: Any) -> dict[str, Any]:
    return {"location": location, "tdm-reservation": value, **more}


CASES: list[tuple[Any, str | None]] = [
    ([entry("/")], "/"),
    ([entry("/a/")], "/a/"),
    ([entry("/a/b.jpg")], "/a/b.jpg"),
    ([entry("/*.jpg$")], "/*.jpg$"),
    ([entry("*")], "*"),
    ([entry("/a/*", **{"tdm-policy": "https://provider.com/policies/policy.json"})], "/a/*"),
    ([entry("/x/", 0), entry("/", 1)], "/"),
    ([entry("/a/"), entry("/a/b.jpg", 0)], "/a/"),
    (["nonsense", {"location": 1}, entry("/")], "/"),
    ([entry("/%61/")], "/%61/"),
    ([entry("/", 1), entry("/", 0)], "/"),
    # what reserves nothing
    ([], None),
    ({}, None),
    (entry("/"), None),
    ([entry("/", 0)], None),
    ([entry("/", "1")], None),
    ([entry("/", True)], None),
    ([entry("/", 2)], None),
    ([entry("/", None)], None),
    ([{"location": "/"}], None),
    ([{"location": "/", "tdm-policy": "https://provider.com/policy"}], None),
    ([entry("/b/")], None),
    ([entry("/A/")], None),
    ([entry("/a/b.jpg", 0), entry("/a/")], None),
    ([entry("/*.png")], None),
    ([entry("/a/b$")], None),
    ([entry("a/")], None),
    ([[entry("/")]], None),
    ("/", None),
    (1, None),
]


@pytest.mark.parametrize(("content", "location"), CASES)
def test_the_first_match_counts(content: Any, location: str | None) -> None:
    assert find_tdm_rule(parse_tdm_file(json.dumps(content).encode()), PATH) == location


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>404</html>",
        b'[{"location": "/", "tdm-reservation": 1}',
        b"\xff\xfe[",
        b"[" * 400_000,
        b"1" * 400_000,
    ],
)
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    assert parse_tdm_file(body) == ()


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_tdm_file(b"\xef\xbb\xbf" + json.dumps([entry("/")]).encode())


def test_a_hostile_file_costs_little() -> None:
    body = json.dumps([entry("/" + "*a" * 20 + "b")] * 8_000).encode()[: 500 << 10]
    before = time.process_time()
    rules = parse_tdm_file(body.rpartition(b",")[0] + b"]")
    for _ in range(3):
        find_tdm_rule(rules, "/" + "a" * 4_000)
    assert time.process_time() - before < 3
