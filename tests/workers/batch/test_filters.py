"""Which rows are left out, and by which rule."""

from pathlib import Path
from typing import Any

import pytest

from common.run.status import Status
from common.settings import FilterSettings, Settings
from workers.batch.filters import FilterError, Filters

ROW = {
    "URL": "https://img.example.com/a.jpg",
    "TEXT": "a cat",
    "WIDTH": 640,
    "HEIGHT": 480,
    "similarity": 0.3,
    "punsafe": 0.1,
    "pwatermark": 0.2,
}


def rule(settings: dict[str, Any], **row: Any) -> str | None:
    verdict = Filters(FilterSettings.model_validate(settings)).verdict({**ROW, **row})
    if verdict is None:
        return None
    assert verdict[0] is Status.FILTERED
    return verdict[1]


def test_by_default_every_row_passes() -> None:
    assert rule({}) is None
    assert rule({}, URL=None) is None


@pytest.mark.parametrize(
    ("settings", "value", "expected"),
    [
        ({"max_punsafe": 0.5}, {"punsafe": 0.51}, "punsafe 0.51 > 0.5"),
        ({"max_pwatermark": 0.8}, {"pwatermark": 1.0}, "pwatermark 1 > 0.8"),
        ({"min_width": 100}, {"WIDTH": 99}, "WIDTH 99 < 100"),
        ({"min_height": 100}, {"HEIGHT": 0}, "HEIGHT 0 < 100"),
        ({"min_similarity": 0.28}, {"similarity": -0.1}, "similarity -0.1 < 0.28"),
    ],
)
def test_thresholds(settings: dict[str, float], value: dict[str, float], expected: str) -> None:
    (column,) = value
    (bound,) = settings.values()
    assert rule(settings, **value) == expected
    assert rule(settings, **{column: bound}) is None
    assert rule(settings, **{column: None}) is None
    assert rule(settings, **{column: "many"}) is None


@pytest.mark.parametrize(
    ("entry", "url", "expected"),
    [
        ("example.com", "https://example.com/a", "host example.com"),
        ("example.com", "https://EXAMPLE.com./a", "host example.com"),
        ("example.com", "http://img.cdn.example.com:8080/a", "host example.com"),
        ("example.com", "https://notexample.com/a", None),
        ("example.com", "https://example.com.evil.net/a", None),
        ("example.com", "https://evil.net/example.com", None),
        ("bücher.example", "https://xn--bcher-kva.example/a", "host xn--bcher-kva.example"),
        ("192.0.2.7", "http://192.0.2.7/a", "host 192.0.2.7"),
        ("*://example.com/private/*", "https://Example.com/private/a", "url *://example.com/private/*"),
        ("*://example.com/private/*", "https://example.com/public/a", None),
        ("*/avatar-*.png", "https://a.net/x/avatar-3.png", "url */avatar-*.png"),
        ("example.com", "http://[::1", None),
        ("example.com", "http:\\\\img.example.com\\a.jpg", "host example.com"),
        ("example.com", "http://evil.net\\@example.com/a.jpg", None),
        ("example.com", "http://example.com\\@good.net/a.jpg", "host example.com"),
        ("example.com", "http://ex%61mple%2Ecom/a.jpg", "host example.com"),
        ("example.com", " http://user@example.com:8443/a.jpg ", "host example.com"),
        ("\uff45xample.com.", "http://example.com/a.jpg", "host example.com"),
        ("192.0.2.7", "http://0xc0000207/a", "host 192.0.2.7"),
        ("3221225991", "http://192.0.2.7/a", "host 192.0.2.7"),
        ("[2001:db8::1]", "http://[2001:DB8:0::1]:8080/a", "host [2001:db8::1]"),
        ("http://a.net/~x/*", "https://a.net/%7Ex/1.jpg", "url http://a.net/~x/*"),
        ("*://a.net/%7ex/*", "http://A.net:80/~x/1.jpg#y", "url *://a.net/%7ex/*"),
        ("*://a.net/x/*", "http://a.net/y/..\\x/1.jpg", "url *://a.net/x/*"),
        ("*://a.net/x/*", "http://u:p@a.net./%78/1.jpg", "url *://a.net/x/*"),
        ("*://a.net/a%2fb.jpg", "http://a.net/a%2Fb.jpg", "url *://a.net/a%2fb.jpg"),
        ("*://a.net/a%2fb.jpg", "http://a.net/a/b.jpg", None),
        (
            "*://b\u00fccher.de/\u00e9/*",
            "http://xn--bcher-kva.de/%c3%a9/1",
            "url *://b\u00fccher.de/\u00e9/*",
        ),
        ("*://*.b\u00fccher.de/*", "http://a.xn--bcher-kva.de/1", "url *://*.b\u00fccher.de/*"),
        ("*://a.net:8080/*", "http://a.net:8080/1", "url *://a.net:8080/*"),
        ("https://a.net:443/1", "https://a.net/1", "url https://a.net:443/1"),
        ("http://a.net", "https://a.net", "url http://a.net"),
        ("http://a.net", "https://a.net/1", None),
        ("a.net/private/*", "https://a.net/private/1", "url a.net/private/*"),
        ("*/go?to=http://b.net/*", "https://a.net/go?to=http://b.net/1", "url */go?to=http://b.net/*"),
        ("http://[::1]/*", "http://[0::1]/a", "url http://[::1]/*"),
        ("http://[::1]:81/*", "http://[0::1]/a", None),
        ("*://img[0-9].a.net/*", "http://img7.a.net/a", "url *://img[0-9].a.net/*"),
        ("*private*", "https://a.net/my-PRIVATE/1", "url *private*"),
    ],
)
def test_the_deny_list(entry: str, url: str, expected: str | None) -> None:
    found = rule({"deny": ("other.net", "*never*", entry)}, URL=url)
    assert found == (expected)


@pytest.mark.parametrize(
    "entry", ["http://exa mple.com/*", "*://b\u00fc*.de/*", "http://[::1/", "a b", "a:99999", "http:///"]
)
def test_what_can_match_nothing_is_refused(entry: str) -> None:
    with pytest.raises(FilterError, match="FLEET_FILTER_DENY, line 1: "):
        Filters(FilterSettings(deny=(entry,)))


def test_the_deny_list_may_be_a_file(tmp_path: Path) -> None:
    path = tmp_path / "deny.txt"
    path.write_text("# ours\n\nexample.com  # asked us on Monday\n*/b.jpg\n")
    assert rule({"deny_file": str(path)}) == "host example.com"
    assert rule({"deny_file": str(path)}, URL="https://x.net/b.jpg") == "url */b.jpg"
    assert rule({"deny_file": str(path)}, URL="https://x.net/c.jpg") is None


def test_an_entry_that_is_no_host_is_an_error() -> None:
    with pytest.raises(FilterError, match="FLEET_FILTER_DENY, line 1: "):
        Filters(FilterSettings(deny=("exa mple:99999",)))


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_FILTER_DENY", "example.com, */b.jpg")
    monkeypatch.setenv("FLEET_FILTER_MAX_PUNSAFE", "0.5")
    monkeypatch.setenv("FLEET_FILTER_MIN_WIDTH", "")
    settings = Settings().filter
    assert settings.deny == ("example.com", "*/b.jpg")
    assert settings.max_punsafe == 0.5
    assert settings.min_width is None


def test_a_hundred_thousand_hosts_are_no_burden() -> None:
    filters = Filters(FilterSettings(deny=tuple(f"host{n}.example" for n in range(100_000))))
    assert filters.verdict({"URL": "https://a.host99999.example/x"}) == (
        Status.FILTERED,
        "host host99999.example",
    )
