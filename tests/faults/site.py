"""The web of the fault suite: it decides how long a batch takes, and sees which worker is at which."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from io import BytesIO

from aiohttp import web
from PIL import Image

from tests.faults.waiting import until
from tests.servers.background import background
from tests.servers.ports import free_ports

COLOURS = ("white", "red", "green", "blue", "yellow", "magenta")
CONTACT = re.compile(r"\(\+([^)]+)\)")


def encode_image(colour: str) -> bytes:
    """A small picture of one colour."""
    body = BytesIO()
    Image.new("RGB", (8, 8), colour).save(body, "PNG")
    return body.getvalue()


@dataclass(slots=True)
class Attempt:
    """One download of a batch's first picture, which lasts as long as the batch does."""

    batch: str
    worker: str
    began: float
    ended: float | None = None
    answered: bool = False

    def seconds(self, now: float) -> float:
        return (self.ended or now) - self.began


@dataclass
class Site:
    """The running site; `hold` is how many seconds each batch takes from now on."""

    url: str
    hold: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop | None = None

    def release(self, then: float = 0.0) -> None:
        """End every batch that is being held, now; those that come hold for `then` seconds."""
        assert self.loop is not None
        self.hold = then
        self.loop.call_soon_threadsafe(self._open)

    def _open(self) -> None:
        self.released.set()
        self.released = asyncio.Event()

    def open_attempts(self, worker: str | None = None) -> list[Attempt]:
        return [one for one in self.attempts if one.ended is None and worker in {None, one.worker}]

    def of(self, batch: str) -> list[Attempt]:
        return [one for one in self.attempts if one.batch == batch]

    def wait_for(self, batch: str, seconds: float = 60, *, count: int = 1) -> Attempt:
        """The `count`-th attempt at a batch, once it has begun."""
        return until(lambda: self.of(batch)[count - 1 : count], seconds, f"attempt {count} at {batch}")[0]

    def link(self, batch: str, row: int, colour: str = "white") -> str:
        kind = "hold" if row == 0 else "picture"
        return f"{self.url}/{kind}/{colour}/{batch}/{row}"


@contextmanager
def serve() -> Iterator[Site]:
    """Serve until the block ends, from a thread beside."""
    (port,) = free_ports(1)
    with background(lambda: _serving(Site(f"http://127.0.0.1:{port}"), port)) as site:
        yield site


@asynccontextmanager
async def _serving(site: Site, port: int) -> AsyncIterator[Site]:
    site.loop = asyncio.get_running_loop()
    runner = web.AppRunner(_application(site), handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield site
    finally:
        await runner.cleanup()


def _application(site: Site) -> web.Application:
    bodies = {colour: encode_image(colour) for colour in COLOURS}

    async def at_once(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.match_info["colour"]])

    async def held(request: web.Request) -> web.Response:
        found = CONTACT.search(request.headers.get("User-Agent", ""))
        attempt = Attempt(request.match_info["batch"], found.group(1) if found else "", time.time())
        site.attempts.append(attempt)
        try:
            await _hold(site)
            attempt.answered = True
        finally:
            attempt.ended = time.time()
        return web.Response(body=bodies[request.match_info["colour"]])

    app = web.Application()
    app.add_routes(
        [
            web.get("/picture/{colour}/{batch:.+}/{row}", at_once),
            web.get("/hold/{colour}/{batch:.+}/{row}", held),
        ]
    )
    return app


async def _hold(site: Site) -> None:
    if site.hold > 0:
        released = asyncio.create_task(site.released.wait())
        await asyncio.wait({released}, timeout=site.hold)
        released.cancel()
