"""An asyncio server beside the test, in a thread with a loop of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import TypeVar

from aiohttp import web

T = TypeVar("T")


@contextmanager
def background(server: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """Hold the async context open until the block ends; yields what it yields."""
    up: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, T]] = Future()

    async def hold() -> None:
        over = asyncio.Event()
        async with server() as value:
            up.set_result((asyncio.get_running_loop(), over, value))
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(hold()), daemon=True)
    thread.start()
    loop, over, value = up.result(10)
    try:
        yield value
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()


@asynccontextmanager
async def serving(application: web.Application, port: int) -> AsyncIterator[str]:
    """Serve on loopback; yields the address."""
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
