"""The grammar of deny lists: one entry a line, the same for workers, merging and withdrawing.

    example.com                a host, with every host below it
    *.example.com              every host below it, and not itself
    https://example.com/a.jpg  an address; of either scheme, in any spelling of the same request
    *://example.com/private/*  a pattern of addresses; * stands for any characters, the case is ignored
    */avatar-*.png             the same without a host: a pattern of host and path together
    64 hexadecimal digits      the SHA-256 of an image's bytes

A line that begins with `#` is a comment, and so is the rest of a line after a blank and `#`.
"""

import re
from dataclasses import dataclass
from enum import Enum

from common.url import SchemeError, canonical_host, canonical_target, canonical_url

COMMENT = re.compile(r"(^|\s)#.*")
SCHEME = re.compile(r"^([^/?#]*)://")
SCHEMES = frozenset({"*", "http", "https", "http*"})
SET = re.compile(r"\[!?[a-z0-9-]+\]")
"""A set of characters in a label, as shells write it."""
SHA256 = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[^\s/?#@:*\\%\[\]]+")
DOTS = re.compile("[.\u3002\uff0e\uff61]")
"""All that the URL standard takes for the dot between labels."""
SUFFIXES = frozenset(
    {"avif", "bmp", "gif", "html", "ico", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp"}
)
PORT = r"(?::\d+)?"
WANTED = "write a host, *.host, an address, a pattern with * or a SHA-256"


class Kind(Enum):
    """The kind of value that an entry matches."""

    HOST = "host"
    URL = "url"
    PATTERN = "pattern"
    IMAGE = "sha256"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, ready to be compared with canonical forms (`common.url`).

    Attributes:
        kind: what it is compared with.
        value: a host, an address or digits in their canonical form; a regular expression of whole addresses.
        text: as it was written.
        line: its number, from 1.
    """

    kind: Kind
    value: str
    text: str
    line: int


def parse_entry(line: str, number: int) -> Entry | None:
    """The entry of a line, or None for a blank one and a comment.

    Raises:
        ValueError: the entry could not be applied to anything.
    """
    text = COMMENT.sub("", line.removeprefix("\ufeff").strip()).strip()
    if not text:
        return None
    kind, value = _parse(text)
    return Entry(kind, value, text, number)


def _parse(text: str) -> tuple[Kind, str]:
    if SHA256.fullmatch(text):
        return Kind.IMAGE, text.lower()
    if "*" in text:
        return Kind.PATTERN, _pattern(text)
    if "://" in text:
        return Kind.URL, _url(text)
    return Kind.HOST, _host(text.removeprefix("."))


def _url(text: str) -> str:
    try:
        return canonical_url(text)
    except SchemeError as error:
        raise ValueError(f"another scheme than http and https; {WANTED}") from error


def _host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ValueError(WANTED)
    host = canonical_host(text)
    if "." not in host and not host.startswith("["):
        raise ValueError(f"a host without a dot; {WANTED}")
    return host


def _pattern(text: str) -> str:
    """A regular expression that both `re` and RE2 read, for whole canonical addresses."""
    if not set(text) - set("*./:"):
        raise ValueError("denies every address")
    scheme = SCHEME.match(text)
    if scheme and scheme[1].lower() not in SCHEMES:
        raise ValueError("a pattern of another scheme than http and https")
    rest = text[scheme.end() :] if scheme else text
    host, slash, target = rest.partition("/")
    if slash and host == "*" and rest == text:  # no scheme: the * is of host and path
        return _target_pattern(text)
    if slash:
        return _host_pattern(host) + _target_pattern(f"/{target}")
    if not DOTS.search(rest) or rest.endswith("*"):
        return _target_pattern(rest)
    if DOTS.split(rest)[-1].lower() in SUFFIXES:
        raise ValueError(f"a host or a file name? for files write */{rest}")
    return f"{_host_pattern(rest)}/.*"


def _host_pattern(text: str) -> str:
    name, colon, port = text.rpartition(":")
    if not colon or (not port.strip("*").isdigit() and port != "*"):
        name, port = text, ""
    labels = [_label(label) for label in DOTS.split(name.removesuffix("."))]
    return "\\.".join(labels) + (f":{_star(port)}" if port.strip("*") else PORT)


def _label(text: str) -> str:
    if "*" not in text and not SET.search(text.lower()):
        return re.escape(canonical_host(text) if text else "")
    if not text.isascii():
        raise ValueError("a * inside a label that is not ASCII; write the label in Punycode")
    return "".join(map(_piece, re.split(rf"({SET.pattern})", text.lower())))


def _piece(text: str) -> str:
    return text.replace("[!", "[^") if SET.fullmatch(text) else _star(text)


def _target_pattern(text: str) -> str:
    return ".*".join(re.escape(canonical_target(piece)) for piece in text.split("*"))


def _star(text: str) -> str:
    """A * of a host ends with it."""
    return "[^/]*".join(re.escape(piece) for piece in text.split("*"))
