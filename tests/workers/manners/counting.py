"""A host that counts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.web.server import CLIENT_LEFT, reply

FULL = 4
LEASE = 15.0
"""Seconds for which a slot is lent."""


@dataclass
class CountingHost:
    """A server that counts the requests that it has at once."""

    seconds: float
    answer_with: bytes = reply(b"x")
    port: int = 0
    now: int = 0
    most: int = 0
    count: int = 0
    is_full: asyncio.Event = field(default_factory=asyncio.Event)
    busy_after: int | None = None
    asked_in_quiet: int = 0
    quiet_since: float | None = field(default=None)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self._reply())
                await writer.drain()
        except CLIENT_LEFT:
            pass
        finally:
            writer.close()

    async def _reply(self) -> bytes:
        self.count += 1
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == FULL:
            self.is_full.set()
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.now -= 1
        if self.quiet_since is not None:
            self.asked_in_quiet += asyncio.get_running_loop().time() - self.quiet_since < 2
        if self.busy_after is not None and self.count >= self.busy_after and self.quiet_since is None:
            self.quiet_since = asyncio.get_running_loop().time()
            return reply(status="429 X", headers="Retry-After: 2\r\n").replace(b"Connection: close\r\n", b"")
        return self.answer_with.replace(b"Connection: close\r\n", b"")


@asynccontextmanager
async def counting(host: CountingHost) -> AsyncIterator[str]:
    server = await asyncio.start_server(host.answer, "127.0.0.1", 0, backlog=512)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{host.port}/a"
    finally:
        server.close()
