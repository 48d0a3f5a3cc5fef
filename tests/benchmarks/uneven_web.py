"""A web as old lists of links find it, in a process of its own.

A quarter of the links is dead (half of them answer 404, half refuse the connection), one in twenty is silent,
one in twenty is slow; the others answer after 100 to 300 ms.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

from PIL import Image

HOSTS = [f"127.0.{block}.{last}" for block in range(4) for last in range(1, 251)]
KINDS = ("gone", "refused", "silent", "slow", "good")
WEIGHTS = (0.125, 0.125, 0.05, 0.05, 0.65)
SLOW_SECONDS = (3.0, 8.0)
QUICK_SECONDS = (0.1, 0.3)
CLOSED = 9
"""The port `discard`, at which nobody listens."""


@contextmanager
def uneven_web(count: int) -> Iterator[list[str]]:
    """Its links, in an order that is always the same."""
    command = [sys.executable, "-m", "tests.benchmarks.uneven_web"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        dice = random.Random(0)
        kinds = dice.choices(KINDS, WEIGHTS, k=count)
        yield [_link(kind, number, port) for number, kind in enumerate(kinds)]
        server.communicate()


def _link(kind: str, number: int, port: int) -> str:
    return f"http://{HOSTS[number % len(HOSTS)]}:{CLOSED if kind == 'refused' else port}/{kind}/{number}"


class Answer(asyncio.Protocol):
    """One request, one answer, or none."""

    def __init__(self, image: bytes) -> None:
        self._image = image

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        kind = data.split(b"/", 2)[1].decode()
        if kind == "silent":
            return
        kind = kind if kind in KINDS else "gone"  # robots.txt and its like
        pause = random.uniform(*(SLOW_SECONDS if kind == "slow" else QUICK_SECONDS))
        asyncio.get_running_loop().call_later(pause, self._send, kind)

    def _send(self, kind: str) -> None:
        status, body = ("404 Not Found", b"") if kind == "gone" else ("200 OK", self._image)
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode() + body)
        self._transport.close()


async def serve() -> None:
    file = BytesIO()
    Image.effect_noise((64, 64), 50).save(file, "JPEG")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answer(file.getvalue()), "0.0.0.0", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent closes it


if __name__ == "__main__":
    asyncio.run(serve())
