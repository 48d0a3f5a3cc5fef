"""From a stranger's text to a URL that may be asked for."""

import re

from yarl import URL

from common.run.schema import Status
from workers.fetch.address import parse
from workers.fetch.failure import Failure

MAX_LENGTH = 8000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")


def target(text: str, base: URL | None = None) -> URL:
    """The URL, absolute, without credentials, http or https; else Failure (invalid_url or blocked)."""
    if len(text) > MAX_LENGTH:
        raise Failure(Status.INVALID_URL, f"longer than {MAX_LENGTH} characters")
    if _CONTROL.search(text.strip()):
        raise Failure(Status.INVALID_URL, "control character")
    try:
        url = URL(text.strip())
        url = base.join(url) if base else url
        return _checked(url)
    except ValueError as error:  # UnicodeError is one
        raise Failure(Status.INVALID_URL, f"cannot be parsed: {error}") from error


def _checked(url: URL) -> URL:
    if url.scheme not in {"http", "https"}:
        scheme = url.scheme or "none"
        raise Failure(Status.BLOCKED if url.scheme else Status.INVALID_URL, f"scheme: {scheme}")
    host = url.raw_host
    if not host:
        raise Failure(Status.INVALID_URL, "no host")
    if url.raw_user is not None or url.raw_password is not None:
        raise Failure(Status.BLOCKED, "credentials in the URL")
    if _is_disguised(host):
        raise Failure(Status.BLOCKED, "address is not written canonically")
    return url


def _is_disguised(host: str) -> bool:
    """Whether the host means an IPv4 address (WHATWG URL, "ends in a number") but is not dotted decimal."""
    last = host.removesuffix(".").rpartition(".")[2]
    return ":" not in host and _NUMBER.fullmatch(last) is not None and parse(host) is None
