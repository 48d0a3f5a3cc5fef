"""From the head of a response to what comes next: another URL, the body, or a failure."""

import time
from email.utils import parsedate_to_datetime

from aiohttp import ClientResponse
from yarl import URL

from common.run.schema import Status
from workers.fetch.failure import RETRY_SECONDS, Failure
from workers.fetch.target import target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESS = range(200, 300)
_SERVER_ERROR = 500
_BUSY = frozenset({429, 503})


def redirection(response: ClientResponse) -> URL | None:
    """Where the response sends us, checked; None where it does not."""
    location = response.headers.get("Location")
    if response.status in _REDIRECTS and location is not None:
        return target(location, base=response.url)
    return None


def raise_for_status(response: ClientResponse) -> None:
    """Failure for all that is neither success nor a redirect that can be followed."""
    code = response.status
    if code in _SUCCESS or (code in _REDIRECTS and "Location" in response.headers):
        return
    if code in _BUSY:
        raise _busy(response)
    if code >= _SERVER_ERROR:
        raise Failure(Status.HTTP_5XX, str(code), retry_in=RETRY_SECONDS)
    raise Failure(Status.HTTP_4XX, str(code))  # 304 is one: there is no picture either


def _busy(response: ClientResponse) -> Failure:
    asked = retry_after(response.headers.get("Retry-After", ""))
    if response.status >= _SERVER_ERROR:
        retry_in = RETRY_SECONDS if asked is None else asked
        return Failure(Status.HTTP_5XX, "503", retry_in=retry_in, trips=True, busy_for=asked)
    return Failure(Status.HTTP_4XX, "429", retry_in=asked, trips=True, busy_for=asked)


def retry_after(value: str) -> float | None:
    """Seconds from now (RFC 9110, 10.2.3: a number or a date), None where the header says nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
