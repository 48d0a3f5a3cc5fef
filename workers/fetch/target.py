"""The URLs that are fetched at all: absolute ones of the web, without credentials."""

import re

from common.run.status import Status
from common.url import SchemeError, WebUrl, parse_url
from workers.fetch.failure import Failure

MAX_LENGTH = 8000
_HOST = re.compile(r"\s*https?:[/\\]*([^/\\?#]*)", re.IGNORECASE)
_ADDRESS_LIKE = re.compile(r"(?:\[[0-9A-Fa-f:.]+%[^\]]*\]|(?:[^:]*\.)?(?:\d+|0[xX][0-9a-fA-F]*)\.?)(?::\d*)?")


def require_target(text: str, base: WebUrl | None = None) -> WebUrl:
    """The URL that a row or a redirect names.

    Args:
        text: the URL; relative ones only with a base.
        base: the URL that redirects.

    Raises:
        Failure: invalid_url or blocked.
    """
    if len(text) > MAX_LENGTH:
        raise Failure(Status.INVALID_URL, f"longer than {MAX_LENGTH} characters")
    try:
        url = parse_url(text, base)
    except SchemeError as error:
        raise Failure(Status.BLOCKED, f"scheme: {error}") from error
    except ValueError as error:
        raise _refusal(text, error) from error
    if url.userinfo:
        raise Failure(Status.BLOCKED, "credentials in the URL")
    return url


def _refusal(text: str, error: ValueError) -> Failure:
    """Blocked for a malformed address literal, which may be meant for the guard; else invalid_url."""
    host = _HOST.match(text)
    if host is not None and _is_malformed_address(host[1].rpartition("@")[2]):
        return Failure(Status.BLOCKED, "malformed address")
    return Failure(Status.INVALID_URL, f"cannot be parsed: {error}")


def _is_malformed_address(host: str) -> bool:
    try:
        parse_url(f"http://{host}")
    except ValueError:
        return _ADDRESS_LIKE.fullmatch(host) is not None
    return False
