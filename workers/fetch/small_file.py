"""The files with a site's policy: fetched as images are, guarded and in turn."""

from functools import partial

from aiohttp import ClientResponse

from common.run.status import Status
from common.settings import FetchSettings
from common.url import WebUrl
from workers.fetch.answer import find_redirect, raise_if_busy
from workers.fetch.asker import Asker
from workers.fetch.budget import Budget
from workers.fetch.clock import Clock
from workers.fetch.coding import parse_codings, undo_codings
from workers.fetch.failure import Failure
from workers.fetch.room import Pool, Rooms
from workers.fetch.signs.robots_parser import MAX_BYTES
from workers.fetch.traffic import Traffic

MAX_REDIRECTS = 5
"""Also across hosts (RFC 9309, 2.3.1.2)."""

MAX_TRAFFIC = 8 * MAX_BYTES
"""What connections may bring along that read ahead."""

_SUCCESS = range(200, 300)
_OUT_OF_REACH = frozenset(
    {
        Status.HTTP_4XX,
        Status.HTTP_5XX,
        Status.DNS_ERROR,
        Status.CONNECT_ERROR,
        Status.TLS_ERROR,
        Status.TIMEOUT,
    }
)


async def fetch_small_file(url: WebUrl, asker: Asker, settings: FetchSettings) -> bytes | None:
    """The beginning of a file, over its redirects; None where there is none.

    Raises:
        Failure: it is out of reach: a server error, 429, a time-out, no connection, or a forbidden one.
    """
    origin = url.origin
    for _ in range(MAX_REDIRECTS + 1):
        rooms = Rooms(Pool(MAX_TRAFFIC), Pool(MAX_TRAFFIC))
        budget = Budget(Clock(settings.timeout), Traffic(MAX_TRAFFIC), rooms)
        try:
            answer = await asker.ask(url, budget, partial(_read, url), keep=True)
        except Failure as failure:
            is_elsewhere = url.origin != origin
            if failure.status in _OUT_OF_REACH or (failure.status is Status.BLOCKED and not is_elsewhere):
                raise
            raise Failure(Status.CONNECT_ERROR, failure.detail) from failure
        if not isinstance(answer, WebUrl):
            return answer
        url = answer
    return None


async def _read(url: WebUrl, response: ClientResponse) -> bytes | WebUrl | None:
    raise_if_busy(response)
    try:
        target = find_redirect(response, url)
    except Failure as failure:  # it leads where nobody goes
        raise Failure(Status.CONNECT_ERROR, f"redirect: {failure.detail}") from failure
    if target is not None:
        return target
    return await _read_beginning(response) if response.status in _SUCCESS else None


async def _read_beginning(response: ClientResponse) -> bytes:
    chunks: list[bytes] = []
    left = MAX_BYTES
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        left -= len(chunk)
        if left <= 0:
            response.close()  # the rest is not wanted
            break
    body = b"".join(chunks)
    codings = parse_codings(response.headers.getall("Content-Encoding", ()))
    try:
        return undo_codings(body, codings, 2 * MAX_BYTES) if codings else body
    except Failure:  # a bomb
        return b""
