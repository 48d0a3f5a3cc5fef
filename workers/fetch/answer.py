"""The head of a response: a redirect, a body, or a failure."""

import time
from email.utils import parsedate_to_datetime
from urllib.parse import quote_from_bytes

from aiohttp import ClientResponse

from common.run.status import Status
from common.signs import Family, Honoured
from common.url import WebUrl
from workers.fetch.failure import RETRY_SECONDS, Failure
from workers.fetch.signs.response import describe_price
from workers.fetch.target import require_target

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SUCCESS = range(200, 300)
_PAYMENT_REQUIRED = 402
_SERVER_ERROR = 500
_BUSY = frozenset({429, 503})
_ASCII = bytes(range(128))


def find_redirect(response: ClientResponse, base: WebUrl) -> WebUrl | None:
    """The URL that the response redirects to; None where it does not.

    Raises:
        Failure: that URL is not fetched.
    """
    if response.status not in _REDIRECTS:
        return None
    locations = (value for name, value in response.raw_headers if name.lower() == b"location")
    location = next(locations, None)
    return None if location is None else require_target(decode_location(location), base)


def decode_location(value: bytes) -> str:
    """A Location in ASCII: servers write it in any encoding, and none of its bytes may be dropped."""
    return value.decode("ascii") if value.isascii() else quote_from_bytes(value, safe=_ASCII)


def is_redirect(response: ClientResponse) -> bool:
    """Whether the response leads elsewhere."""
    return response.status in _REDIRECTS and "Location" in response.headers


def raise_for_status(response: ClientResponse, honoured: Honoured) -> None:
    """Raise Failure unless the response is a success or a redirect with a Location."""
    code = response.status
    if code in _SUCCESS or is_redirect(response):
        return
    if code == _PAYMENT_REQUIRED and honoured.has(Family.PAYMENT):
        raise Failure(Status.OPT_OUT, describe_price(response.headers))
    raise_if_busy(response)
    raise Failure(Status.HTTP_4XX, str(code))  # 304 included: it brings no image either


def raise_if_busy(response: ClientResponse) -> None:
    """Raise Failure if the server failed, or asks to be left alone."""
    if response.status in _BUSY:
        raise _busy(response)
    if response.status >= _SERVER_ERROR:
        raise Failure(Status.HTTP_5XX, str(response.status), retry_in=RETRY_SECONDS)


def _busy(response: ClientResponse) -> Failure:
    asked = retry_after(response.headers.get("Retry-After", ""))
    if response.status >= _SERVER_ERROR:
        retry_in = RETRY_SECONDS if asked is None else asked
        return Failure(Status.HTTP_5XX, "503", retry_in=retry_in, trips=True, is_busy=True, busy_for=asked)
    return Failure(Status.HTTP_4XX, "429", retry_in=asked, trips=True, is_busy=True, busy_for=asked)


def retry_after(value: str) -> float | None:
    """Seconds from now (RFC 9110, 10.2.3: a number or a date), None if the header is neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
