"""A TCP link that can freeze without a word, as a network does, or be cut."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from tests.servers.background import background
from tests.servers.ports import free_ports

CHUNK = 1 << 16


@dataclass
class Link:
    """The near end of the link; `connections` counts those that were opened."""

    port: int
    target: int
    connections: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _plugged: bool = True
    _loop: asyncio.AbstractEventLoop | None = None

    def freeze(self) -> None:
        """From now on nothing passes and nobody is told: both ends are half open."""
        self._call(self._flows.clear)

    def thaw(self) -> None:
        self._call(self._flows.set)

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        self._call(self._abort)

    def unplug(self) -> None:
        """Reset every connection, and each new one, until `plug`."""
        self._plugged = False
        self.cut()

    def plug(self) -> None:
        self._plugged = True

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _call(self, step: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(step)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        self._flows.set()
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            self._abort()

    async def _accept(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        self.connections += 1
        if not self._plugged:
            near_out.transport.abort()
            return
        self._writers.add(near_out)
        await self._flows.wait()
        try:
            far, far_out = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            near_out.transport.abort()
            return
        self._writers.add(far_out)
        await asyncio.gather(self._pass(near, far_out), self._pass(far, near_out))

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flows.wait()
                sink.write(data)
                await sink.drain()
        self._writers.discard(sink)
        sink.close()


@contextmanager
def link(target: int) -> Iterator[Link]:
    """A link to a local port, until the block ends."""
    made = Link(free_ports(1)[0], target)
    with background(made.serving):
        yield made
