"""A web server that sends exactly the bytes it is told to, lies included."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

CLIENT_LEFT = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, RuntimeError)
"""The last is uvloop's, where the transport is closed already."""

Page = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Web:
    """A running server; `heads` are the requests as they came, `connections` counts them all."""

    host: str
    port: int
    scheme: str
    pages: dict[str, Page]
    connections: int = 0
    over: bool = False
    heads: list[str] = field(default_factory=list)

    def url(self, path: str, host: str | None = None) -> str:
        return f"{self.scheme}://{host or self.host}:{self.port}{path}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(*CLIENT_LEFT):
            await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        self.heads.append(head)
        page = self.pages.get(head.split(" ")[1].partition("?")[0], reply(b"", status="404 Not Found"))
        if isinstance(page, bytes):
            writer.write(page)
            await writer.drain()
        else:
            await page(writer)
        writer.close()
        await writer.wait_closed()


def reply(body: bytes = b"", *, status: str = "200 OK", headers: str = "") -> bytes:
    """An honest answer; `headers` are whole lines, each ended by CR LF."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    return head.encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return reply(status=status, headers=f"Location: {location}\r\n")


@asynccontextmanager
async def serve(
    pages: Mapping[str, Page],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Web]:
    """A server on loopback for as long as the block runs."""
    web = Web(host, port, "https" if tls else "http", dict(pages))
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(web.answer(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # even if it never began
        if web.over:
            task.cancel()

    server = await asyncio.start_server(accept, host, port, ssl=tls, backlog=1024)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        web.over = True
        for task in tasks:
            task.cancel()
        await close(server)


async def close(server: asyncio.Server) -> None:
    """Close it and wait until all its connections are closed: a loop with an open one cannot be closed."""
    closed = asyncio.ensure_future(server.wait_closed())
    await asyncio.sleep(0)  # asked after `close`, `wait_closed` returns at once
    server.close()
    await closed
