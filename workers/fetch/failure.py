"""Failures of a URL: a status and a short detail."""

import re
import socket
import ssl
from errno import errorcode

import aiohttp

from common.run.status import Status
from workers.fetch.shortage import Shortage, find_shortage

MAX_DETAIL = 200
RETRY_SECONDS = 0.5
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LOOKUP_ERRORS = {getattr(socket, name): name for name in dir(socket) if name.startswith("EAI_")}
_EXCERPT = re.compile(r":?\s+b['\"]")  # of the response, behind the rule that it breaks
_TOO_LONG = ("Got more than", "Too many headers")  # of aiohttp's parser, which has no class for the second


class Failure(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The failure of a URL, or of one try.

    Attributes:
        status: the row's status.
        detail: one short line for the row's error.
        retry_in: seconds after which another try may help; None where none would.
        trips: whether the host, rather than the URL, is at fault.
        is_busy: whether the host asked to be left alone.
        busy_for: seconds for which it asked that, if it said so.
    """

    def __init__(
        self,
        status: Status,
        detail: str,
        *,
        retry_in: float | None = None,
        trips: bool = False,
        is_busy: bool = False,
        busy_for: float | None = None,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = _CONTROL.sub(" ", detail)[:MAX_DETAIL]
        self.retry_in = retry_in
        self.trips = trips
        self.is_busy = is_busy
        self.busy_for = busy_for


class BlockedAddress(OSError):  # noqa: N818 - an outcome too
    """The guard refused to open a socket."""


def classify(error: Exception) -> Failure | Shortage:
    """The failure, or the shortage of this machine, for an exception of aiohttp, ssl or the system."""
    if isinstance(error, Failure):
        return error
    cause = _cause(error)
    return find_shortage(cause) or _failure(error, cause)


def _failure(error: Exception, cause: BaseException) -> Failure:
    if isinstance(cause, BlockedAddress):
        return Failure(Status.BLOCKED, "address or port is not public")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failure(Status.DNS_ERROR, _LOOKUP_ERRORS.get(error.os_error.errno or 0, "unknown"))
    if isinstance(cause, ssl.SSLError):
        return Failure(Status.TLS_ERROR, _tls_detail(cause))
    if isinstance(cause, TimeoutError):
        connecting = isinstance(error, aiohttp.ConnectionTimeoutError)
        return Failure(Status.TIMEOUT, _timeout_detail(error), trips=connecting)
    return _other(error, cause)


def describe_broken_response(error: BaseException) -> Failure:
    """The failure for an exception of aiohttp's parser; it is not retried."""
    complaint = str(getattr(error, "message", "") or getattr(error.__cause__, "message", ""))
    status = Status.TOO_LARGE if complaint.startswith(_TOO_LONG) else Status.CONNECT_ERROR
    rule = _EXCERPT.split(complaint[:MAX_DETAIL])[0]  # the whole may be megabytes, mostly of blanks
    return Failure(status, f"bad response: {rule}")


def _other(error: Exception, cause: BaseException) -> Failure:
    failure = describe_broken_response(error)
    if failure.status is Status.TOO_LARGE or isinstance(error, aiohttp.ClientResponseError):
        return failure
    if isinstance(error, ValueError):  # InvalidURL and UnicodeError are
        return Failure(Status.INVALID_URL, type(error).__name__)
    code = getattr(cause, "errno", None)
    return Failure(
        Status.CONNECT_ERROR,
        errorcode.get(code or 0) or type(error).__name__,
        retry_in=RETRY_SECONDS,
        trips=isinstance(error, aiohttp.ClientConnectorError),
    )


def _cause(error: BaseException) -> BaseException:
    """The innermost error of the system or of OpenSSL."""
    inner = getattr(error, "os_error", None) or error.__cause__
    return _cause(inner) if isinstance(inner, OSError) else error


def _tls_detail(error: ssl.SSLError) -> str:
    verify_message: str = getattr(error, "verify_message", "")
    return verify_message or error.reason or type(error).__name__


def _timeout_detail(error: Exception) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "connect"
    return "read" if isinstance(error, aiohttp.SocketTimeoutError) else "total"
