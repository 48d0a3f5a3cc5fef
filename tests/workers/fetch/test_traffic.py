"""What servers send around a body: counted at the socket, and no reason to refuse a good image."""

import asyncio
import importlib.metadata
import inspect
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler

from common.run.status import Status
from tests.web.hostile import OK, hostile_server
from tests.web.server import redirect, reply, serve
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched

BODY = b"\xff\xd8\xff image"
LENGTH = f"Content-Length: {len(BODY)}\r\n".encode()
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
FLOODS = (
    "continue-flood",
    "continue",
    "endless-empty-lines",
    "endless-extension",
    "endless-extensions",
    "gzip-bomb",
    "responses-behind",
)


async def fetch(fetching: Fetching, page: object, **settings: object) -> Fetched:
    async with serve({"/a": page, "/b": reply(BODY)}) as web, fetching(**settings) as fetcher:  # type: ignore[dict-item]
        return await fetcher.fetch(web.url("/a"))


def in_pieces(answer: bytes, size: int) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def page(writer: asyncio.StreamWriter) -> None:
        for start in range(0, len(answer), size):
            writer.write(answer[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)

    return page


WHOLE = {
    "bytes behind the length": OK + LENGTH + b"\r\n" + BODY + b"<!-- cached -->",
    "a response behind the length": OK + LENGTH + b"\r\n" + BODY + reply(b"another"),
    "bytes behind a close": OK + b"Connection: close\r\n" + LENGTH + b"\r\n" + BODY + b"\0" * 500,
    "bytes behind the last chunk": OK + CHUNKED + b"9\r\n" + BODY + b"\r\n0\r\n\r\n" + b"<html>",
    "bytes behind a redirect": redirect("/b") + b"<html>moved</html>",
    "a redirect of unknown length": b"HTTP/1.1 302 F\r\nLocation: /b\r\n\r\n<html>moved</html>",
    "a line of 9,000 bytes": OK + b"X-A: " + b"a" * 9000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "a line of 200,000 bytes": OK + b"X-A: " + b"a" * 200_000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "a reason of 9,000 bytes": b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\n" + LENGTH + b"\r\n" + BODY,
    "500 headers": OK + b"X-A: b\r\n" * 500 + LENGTH + b"\r\n" + BODY,
    "ten informational responses": INTERIM * 10 + OK + LENGTH + b"\r\n" + BODY,
    "one that goes on": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\n" + BODY,
    "empty lines before it": b"\r\n\r\n\r\n" + OK + LENGTH + b"\r\n" + BODY,
    "lines without CR": (OK + LENGTH + b"\r\n").replace(b"\r", b"") + BODY,
    "chunk extensions": OK + CHUNKED + b"9;a=b;c\r\n" + BODY + b"\r\n0\r\n\r\n",
    "trailers": OK + CHUNKED + b"9\r\n" + BODY + b"\r\n0\r\nX-A: b\r\n\r\n",
    "no length": OK + b"\r\n" + BODY,
    "the same length twice": OK + LENGTH + b"X: y\r\n" + LENGTH.upper() + b"\r\n" + BODY,
    "the same length in a list": OK + b"Content-Length: 9, 9,9\r\n\r\n" + BODY,
    "the same length twice, without CR": (OK + LENGTH * 2 + b"\r\n").replace(b"\r", b"") + BODY,
    "lines that are no fields": OK + b"oops\r\nX A: b\r\n c\r\n: d\r\n" + OK + LENGTH + b"\r\n" + BODY,
    "blanks before a colon": OK + LENGTH.replace(b":", b" \t:") + b"X : y : z\r\n\r\n" + BODY,
    "a folded line": OK + b"X: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY,
    "version 1.0": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
async def test_the_body_is_taken(fetching: Fetching, name: str) -> None:
    assert await fetch(fetching, WHOLE[name]) == Fetched(Status.OK, body=BODY)
    pieces = in_pieces(WHOLE[name], max(1, len(WHOLE[name]) // 100))
    assert await fetch(fetching, pieces) == Fetched(Status.OK, body=BODY)


BROKEN = {
    "Duplicate Content-Length": OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "Transfer-Encoding can't be present with Content-Length": OK + LENGTH + CHUNKED + b"0\r\n\r\n",
    "Invalid character in Content-Length": OK + b"Content-Length: 5, 6\r\n\r\nabcdef",
    "Content-Length overflow": OK + b"Content-Length: " + b"9" * 50 + b"\r\n\r\nabcdef",
    "Invalid HTTP header": OK + b"X: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
    "Invalid character in chunk size": OK + CHUNKED + b"zz\r\n",
    "Chunk size overflow": OK + CHUNKED + b"f" * 40 + b"\r\n",
    "more than 10 informational responses": INTERIM * 11 + reply(BODY),
}  # fmt: skip


@pytest.mark.parametrize("rule", BROKEN)
async def test_the_error_names_the_rule(fetching: Fetching, rule: str) -> None:
    expected = Fetched(Status.CONNECT_ERROR, f"bad response: {rule}")
    assert await fetch(fetching, BROKEN[rule]) == expected
    assert await fetch(fetching, in_pieces(BROKEN[rule], 7)) == expected


async def test_garbage_in_a_later_chunk_ends_a_download_at_once(fetching: Fetching) -> None:
    """aiohttp 3.14 leaves its reader waiting: it would be a timeout."""

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(OK + CHUNKED + b"3\r\nabc\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"zz\r\n" + b"z" * 3_000_000)
        await asyncio.sleep(60)

    assert (await fetch(fetching, page)).error == "bad response: Invalid character in chunk size"


class Counter:
    """A page, and the bytes of it that its server was rid of."""

    def __init__(self, head: bytes, piece: bytes) -> None:
        self.head, self.piece, self.sent = head, piece, 0

    async def page(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self.head)
        while True:
            writer.write(self.piece)
            await writer.drain()
            self.sent += len(self.piece)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (OK + CHUNKED + b"1;", b"a" * 65536),
        (OK + CHUNKED, b"1;" + b"a" * 65000 + b"\r\nx\r\n"),
        (OK + CHUNKED, b"1\r\nx\r\n" * 10000),
        (OK + CHUNKED + b"0\r\n", b"X-A: b\r\n" * 10000),
        (b"", b"\r\n" * 32768),
        (b"", b"HTTP/1.1 103 Early Hints\r\nX-A: " + b"a" * 60000 + b"\r\n\r\n"),
        (OK + b"X-A: ", b"a" * 65536),
    ],
)
async def test_framing_counts_as_bytes_of_the_url(fetching: Fetching, head: bytes, piece: bytes) -> None:
    """Beyond the limit there are only the buffers of two sockets."""
    server = Counter(head, piece)
    fetched = await fetch(fetching, server.page, max_bytes=100_000, retries=1)
    assert fetched.status in {Status.TOO_LARGE, Status.CONNECT_ERROR}
    assert 0 < server.sent < 15_000_000


async def test_redirects_count_as_bytes_of_the_url(fetching: Fetching) -> None:
    def far(location: str) -> bytes:
        return reply(status="302 F", headers=f"Location: {location}\r\nX-A: {'a' * 150_000}\r\n")

    async with serve({"/a": far("/b"), "/b": far("/c"), "/c": reply(BODY)}) as web:
        async with fetching(max_bytes=100_000) as fetcher:
            assert (await fetcher.fetch(web.url("/a"))).body == BODY
        async with fetching(max_bytes=20_000) as fetcher:
            assert (await fetcher.fetch(web.url("/a"))).status is Status.TOO_LARGE


async def test_a_broken_download_does_not_use_up_the_bytes_of_a_whole_one(fetching: Fetching) -> None:
    left = [OK + b"Content-Length: 900000\r\n\r\n" + bytes(800_000), reply(bytes(900_000))]

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0))

    assert (await fetch(fetching, page, max_bytes=1_000_000, retries=1)).status is Status.OK


async def test_healthy_hosts_do_not_wait_for_hostile_ones(fetching: Fetching) -> None:
    """Stalls are processor time of the loop's thread between two ticks: other programs do not add to it."""
    stalls, over = [0.0], asyncio.Event()

    async def tick() -> None:
        while not over.is_set():
            began = time.thread_time()
            await asyncio.sleep(0.001)
            stalls.append(time.thread_time() - began)

    paths = ["fine"] * 200 + list(FLOODS) * 3
    with hostile_server() as port:
        async with fetching(per_host=1000, timeout=30, read_timeout=30) as fetcher:
            ticking = asyncio.create_task(tick())
            urls = [f"http://127.0.0.1:{port}/{path}" for path in paths]
            statuses = [f.status for f in await asyncio.gather(*map(fetcher.fetch, urls))]
            over.set()
            await ticking
    assert set(statuses[:200]) == {Status.OK}
    assert statuses[200:].count(Status.OK) == FLOODS.count("responses-behind") * 3
    assert max(stalls) < 0.25


def test_the_version_of_aiohttp_whose_protocol_is_metered() -> None:
    """`meter.py` stands between its transport and its protocol: read both again for another version."""
    assert importlib.metadata.version("aiohttp").startswith("3.14.")
    assert list(inspect.signature(TCPConnector.connect).parameters) == ["self", "req", "traces", "timeout"]
    used = {"should_close", "force_close", "start_timeout", "exception", "data_received", "eof_received"}
    assert used | {"connection_lost", "pause_writing", "resume_writing"} <= set(dir(ResponseHandler))
