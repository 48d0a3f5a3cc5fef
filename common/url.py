"""Addresses of the web as the URL standard reads them (url.spec.whatwg.org): one parser for every room."""

import re
from functools import lru_cache
from typing import NamedTuple

from ada_url import join_url, normalize_url

_WEB = frozenset({"http", "https"})
_C0_OR_SPACE = "".join(map(chr, range(0x21)))
_DROPPED = re.compile(r"[\t\n\r]")  # the standard would leave them out without a word
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
HOSTS = 4096
"""Whose canonical form is remembered: most hosts of a list have many addresses."""

_NOT_IN_URIS = re.compile(r"[^!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]")


class SchemeError(ValueError):
    """A URL of another scheme than http and https, which is the only argument."""


class WebUrl(NamedTuple):
    """An http or https URL in the standard's own spelling, in ASCII, without its fragment.

    Attributes:
        scheme: http or https.
        userinfo: user and password, mostly empty.
        authority: the host, and the port where it is not the scheme's own.
        target: path and query as a request carries them (RFC 9112, 3.2.1), percent-encoded as they were
            written except where that is not allowed.
    """

    scheme: str
    userinfo: str
    authority: str
    target: str

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def host(self) -> str:
        """The name in ASCII, dotted decimal, or IPv6 in brackets."""
        return _host(self.authority)

    @property
    def canonical_host(self) -> str:
        """The host without a last dot, which makes no other host of it."""
        return _canonical_host(self.authority)

    @property
    def canonical(self) -> str:
        """The one spelling by which lists of addresses are compared, such as `example.com/a~b?c=%2F`.

        Scheme, user and fragment are left out, the host is in ASCII and lower case, unreserved characters are
        decoded, and all that may not stand in a URI is encoded, in capital digits (RFC 3986, 6.2.2). Behind
        any scheme it is the canonical form of itself.
        """
        port = self.authority.removeprefix(self.host)
        return f"{self.canonical_host}{port}{canonical_target(self.target)}"


def parse_url(text: str, base: WebUrl | None = None) -> WebUrl:
    """Read an absolute URL, or one relative to `base`.

    Raises:
        SchemeError: it is a URL, but not of the web.
        ValueError: it is none, or holds a tab or a line break.
    """
    if _DROPPED.search(text.strip(_C0_OR_SPACE)):
        raise ValueError("tab or line break in the URL")
    href = join_url(str(base), text) if base else normalize_url(text)
    scheme, _, rest = href.partition(":")
    if scheme not in _WEB:
        raise SchemeError(scheme)
    authority, _, target = rest.removeprefix("//").partition("/")
    userinfo, _, authority = authority.rpartition("@")
    return WebUrl(scheme, userinfo, authority, f"/{target.partition('#')[0]}")


def _host(authority: str) -> str:
    name, colon, port = authority.rpartition(":")
    return name if colon and port.isdigit() else authority


@lru_cache(HOSTS)
def _canonical_host(authority: str) -> str:
    return _host(authority).removesuffix(".")


def canonical_url(text: str) -> str:
    """The `canonical` form of an absolute URL.

    Raises:
        ValueError: it is no URL of the web.
    """
    return parse_url(text).canonical


def canonical_host(text: str) -> str:
    """The `canonical_host` of a host.

    Raises:
        ValueError: it is no host, or more than one.
    """
    url = parse_url(f"http://{text}")
    if url.userinfo or url.target != "/" or set(text) & set("/\\?#"):
        raise ValueError(f"{text!r} is not a host alone")
    return url.canonical_host


def canonical_target(target: str) -> str:
    """A path and query, or a piece of them, percent-encoded in the one way that `canonical_url` does."""
    return _NOT_IN_URIS.sub(_encode, _PERCENT.sub(_recode, target))


def _recode(percent: re.Match[str]) -> str:
    if percent[1] is None:  # or the characters behind it might complete it later
        return "%25"
    character = chr(int(percent[1], 16))
    return character if character in _UNRESERVED else percent[0].upper()


def _encode(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())
