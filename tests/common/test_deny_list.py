"""The one grammar of deny lists: what each entry denies, and what is refused."""

from pathlib import Path

import pytest

from common.deny.deny_list import parse_deny_list, read_deny_list
from common.errors import FleetError

SHA256 = "ab" * 32


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("evil.example", "http://evil.example/a.jpg"),
        ("  evil.example  ", "https://evil.example/a.jpg"),
        (".evil.example", "https://cdn.evil.example:8443/a.jpg"),
        ("EVIL.example.", "https://evil.example./a.jpg"),
        ("evil.example", "https://user:word@evil.example/a.jpg"),
        ("evil.example", "https:\\\\evil.example\\a.jpg"),
        ("evil.example", "https://evil%2eexample/a.jpg"),
        ("evil。example", "https://evil.example/a.jpg"),
        ("evil.example", "https://evil。example/a.jpg"),
        ("ｅｖｉｌ.example", "https://evil.example/a.jpg"),  # noqa: RUF001
        ("bücher.example", "https://xn--bcher-kva.example/a.jpg"),
        ("xn--bcher-kva.example", "https://BÜCHER.example/a.jpg"),
        ("straße.example", "https://xn--strae-oqa.example/a.jpg"),
        ("xn--strae-oqa.example", "https://straße.example/a.jpg"),
        ("192.0.2.7", "https://0xc0.0.2.7/a.jpg"),
        ("[2001:DB8::1]", "https://[2001:db8:0::1]/a.jpg"),
        ("*.evil.example", "https://a.b.evil.example/a.jpg"),
        ("*.straße.example", "https://www.xn--strae-oqa.example:8080/a.jpg"),
        ("cdn*.evil.example", "https://cdn7.evil.example/a.jpg"),
        ("*://evil.example/private/*", "https://evil.example/private/a.jpg"),
        ("http://evil.example/private/*", "https://EVIL.example/private/../private/a.jpg"),
        ("*://*.evil.example/*.jpg", "http://www.evil.example/a.jpg"),
        ("https://evil.example/b%C3%BC*", "https://evil.example/bü/a.jpg"),
        ("*/avatar-*.png", "https://any.example/x/avatar-3.png"),
        ("*never*", "https://any.example/x/NEVER/a.jpg"),
        ("http://evil.example/a.jpg", "https://evil.example/a.jpg"),
        ("https://evil.example:443/a.jpg", "http://evil.example/a.jpg"),
        ("https://evil.example/a.jpg#top", "https://evil.example/a.jpg"),
        ("https://evil.example/%7Eme/%c3%a9.jpg", "https://evil.example/~me/é.jpg"),
        ("https://evil.example", "https://evil.example/"),
        ("https://evil.example/a?x=1*2", "https://evil.example/a?x=1*2"),
        ("https://evil.example/x  # asked us on Monday", "https://evil.example/x"),
    ],
)
def test_what_is_denied_whatever_its_spelling(entry: str, url: str) -> None:
    assert parse_deny_list(["other.example", entry], "list").rule(url) is not None


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("evil.example", "https://notevil.example/a.jpg"),
        ("evil.example", "https://evil.example.net/a.jpg"),
        ("evil.example", "https://fine.example/evil.example"),
        ("evil.example", "https://fine.example/?u=//evil.example/"),
        ("*.evil.example", "https://evil.example/a.jpg"),
        ("*.evil.example", "https://fine.example/x.evil.example/"),
        ("*://evil.example/private/*", "https://evil.example/public/a.jpg"),
        ("*://*.evil.example/a/*", "https://fine.example/www.evil.example/a/b"),
        ("https://evil.example/a.jpg", "https://evil.example/A.jpg"),
        ("https://evil.example/a.jpg", "https://evil.example/a.jpg?x"),
        ("https://evil.example/a%2Fb", "https://evil.example/a/b"),
        ("https://evil.example/", "not an address"),
        ("evil.example", ""),
    ],
)
def test_what_is_not(entry: str, url: str) -> None:
    assert parse_deny_list([entry], "list").rule(url) is None


@pytest.mark.parametrize(
    "entry",
    [
        "word", "two words.example", "a.example/path", "a@b.example", "a.example:8080", "ftp://a.example/x",
        "ftp://a.example/*", "http://", "http://a b/", "*", "*.*", "*://*/*", "*.jpg", "a.b\tc.d",
        "ab" * 31, "bü*.example", "[::1", "https://a.example:99999/",
    ],
)  # fmt: skip
def test_an_entry_that_could_not_be_applied_is_refused_with_its_line(entry: str) -> None:
    with pytest.raises(FleetError, match=r"^list, line 3: "):
        parse_deny_list(["# comment", "fine.example", entry], "list")


def test_a_file_as_windows_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "deny.txt"
    path.write_bytes(f"\ufeffevil.example\r\n\r\n# comment\r\n{SHA256.upper()}\r\n".encode())
    found = read_deny_list(path)
    assert found.rule("https://evil.example/") == "host evil.example"
    assert list(found.images) == [SHA256]


def test_entries_that_matched_nothing_are_known() -> None:
    found = parse_deny_list(["evil.example", "http://evil.example/a", "*/b*", "other.example"], "list")
    assert found.rule("https://a.evil.example/x")
    assert found.rule("https://fine.example/b.jpg")
    assert [(entry.line, entry.text) for entry in found.unmatched] == [
        (2, "http://evil.example/a"), (4, "other.example"),
    ]  # fmt: skip


def test_the_digest_is_of_what_is_denied() -> None:
    one = parse_deny_list(["a.example", "# x", "http://B.example/%7E"], "list")
    other = parse_deny_list(["https://b.example/~", "A.example.", "a.example"], "list")
    assert one.digest == other.digest != parse_deny_list(["a.example"], "list").digest
