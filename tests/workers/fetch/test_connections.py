"""A connection that either side closes is not used again; between requests of a crowded host others are."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common.run.status import Status
from tests.web.server import reply
from tests.workers.fetch.conftest import Fetching
from workers.fetch import Fetched

BODY = b"\xff\xd8\xff image"


class Obedient(BaseHTTPRequestHandler):
    """Python's own server: it closes the connection as a request asks, without saying so."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        moved = self.path.startswith("/moved")
        self.send_response(302 if moved else 200)
        self.send_header("Content-Length", "0" if moved else str(len(BODY)))
        if moved:
            self.send_header("Location", "/a")
        self.end_headers()
        self.wfile.write(b"" if moved else BODY)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def obedient_server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Obedient) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


async def test_no_first_try_meets_a_closed_connection(fetching: Fetching) -> None:
    with obedient_server() as origin:
        async with fetching(retries=0) as fetcher:
            for path in ("/a", "/moved") * 30:
                assert (await fetcher.fetch(origin + path)).body == BODY


async def test_nor_does_one_among_many_of_the_same_host(fetching: Fetching) -> None:
    with obedient_server() as origin:
        async with fetching(retries=0, per_host=2) as fetcher:
            urls = [origin + path for path in ("/a", "/moved") * 30]
            fetched = await asyncio.gather(*map(fetcher.fetch, urls))
    assert {f.status for f in fetched} == {Status.OK}


class Keeping:
    """A server that keeps its connections, unless it says otherwise; `answers` are sent in turn."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = answers
        self.connections = self.requests = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(self.answers[self.requests % len(self.answers)])
                self.requests += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def bodies(fetching: Fetching, server: Keeping, count: int) -> list[bytes | None]:
    """Of so many URLs of one host that has a single slot."""
    async with (
        await asyncio.start_server(server.serve, "127.0.0.1", 0) as running,
        fetching(per_host=1) as fetcher,
    ):
        url = f"http://127.0.0.1:{running.sockets[0].getsockname()[1]}/a"
        return [f.body for f in await asyncio.gather(*(fetcher.fetch(url) for _ in range(count)))]


async def test_a_crowded_host_is_asked_on_one_connection(fetching: Fetching) -> None:
    server = Keeping(reply(BODY).replace(b"Connection: close\r\n", b""))
    assert await bodies(fetching, server, 10) == [BODY] * 10
    assert server.connections == 1


async def test_what_the_server_closes_is_not_used_again(fetching: Fetching) -> None:
    for header in (b"Connection: close\r\n", b"connection: Keep-Alive, Close\r\n"):
        server = Keeping(reply(BODY).replace(b"Connection: close\r\n", header))
        assert await bodies(fetching, server, 10) == [BODY] * 10
        assert server.connections == 10
    server = Keeping(reply(BODY).replace(b"Connection: close\r\n", b"").replace(b"1.1", b"1.0"))
    assert await bodies(fetching, server, 10) == [BODY] * 10
    assert server.connections == 10


async def test_a_second_response_is_nobodys(fetching: Fetching) -> None:
    """Two responses to one request: the next one gets its own, on another connection."""
    first = reply(b"first").replace(b"Connection: close\r\n", b"")
    extra = reply(b"extra").replace(b"Connection: close\r\n", b"")
    second = reply(b"second").replace(b"Connection: close\r\n", b"")
    server = Keeping(first + extra, second)
    assert await bodies(fetching, server, 2) == [b"first", b"second"]
    assert server.connections == 2


async def test_what_comes_before_the_request_is_no_response(fetching: Fetching) -> None:
    """As a flood, it would be parsed in one go."""

    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while True:
                writer.write(reply(b"early") * 1000)
                await writer.drain()

    async with await asyncio.start_server(speak_first, "127.0.0.1", 0) as server, fetching() as fetcher:
        port = server.sockets[0].getsockname()[1]
        fetched = [await fetcher.fetch(f"http://127.0.0.1:{port}/{number}") for number in range(10)]
    early = Fetched(Status.CONNECT_ERROR, "bad response: bytes before the request")
    assert all(f in {early, Fetched(Status.OK, body=b"early")} for f in fetched)  # or while it is sent
