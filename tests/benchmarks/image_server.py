"""A fast web server of synthetic images in a process of its own.

It listens on every loopback address, answers any path `/N` with image N (404 for every fifth), closes
the connection after each answer, and waits a random time first if asked. With `--polite` it keeps connections
that the client does not close, and has a robots.txt of the usual size.
"""

import argparse
import asyncio
import json
import random
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.images import draw_images
from tests.web.certificates import Authority, trusting

HOSTS = [f"127.0.{block}.{last}" for block in range(2) for last in range(1, 129)]
"""256 addresses, each a host of its own to the client."""
CLOSE = b"Connection: close\r\n"
ROBOTS_TXT = (
    b"User-agent: *\nDisallow: /wp-admin/\nAllow: /wp-admin/admin-ajax.php\nDisallow: /search\n"
    b"Crawl-delay: 0\n\nUser-agent: GPTBot\nDisallow: /\n\nSitemap: https://example.com/sitemap.xml\n"
)
MISSING = 0
"""A number of which there is no image."""
DOMAIN = ".images.test"
"""What their names end with: over TLS, where one certificate of 256 addresses would be dear to read."""


@contextmanager
def image_server(*arguments: str) -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "tests.benchmarks.image_server", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.communicate()


def urls(port: int, count: int, scheme: str = "http") -> list[str]:
    hosts = [name(host) for host in HOSTS] if scheme == "https" else HOSTS
    return [f"{scheme}://{hosts[n % len(hosts)]}:{port}/{n}.jpg" for n in range(count)]


def name(host: str) -> str:
    return host.replace(".", "-") + DOMAIN


def lookup(host: str, port: int, *_: object) -> list[tuple[Any, ...]]:
    """As `socket.getaddrinfo`, for the names that `urls` gives."""
    address = host.removesuffix(DOMAIN).replace("-", ".")
    return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]


class Answer(asyncio.Protocol):
    """One request, one image."""

    def __init__(self, answers: list[bytes], latency: tuple[float, float], robots: bytes) -> None:
        self._answers = answers
        self._latency = latency
        self._robots = robots
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head:
            head, self._head = self._head, b""
            name = head[5 : head.index(b" ", 5)].removesuffix(b".jpg")
            answer = self._find(name)
            closes = not self._robots or b"Connection: close" in head
            pause = random.uniform(*self._latency)
            if pause:
                asyncio.get_running_loop().call_later(pause, self._send, answer, closes)
            else:
                self._send(answer, closes)

    def _find(self, name: bytes) -> bytes:
        if self._robots and name == b"robots.txt":
            return self._robots
        number = int(name) if name.isdigit() else MISSING  # robots.txt and its like
        if number % 5:
            return self._answers[number % len(self._answers)]
        return b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n" + self._connection + b"\r\n"

    @property
    def _connection(self) -> bytes:
        return b"" if self._robots else CLOSE

    def _send(self, answer: bytes, closes: bool) -> None:
        self._transport.write(answer)
        if closes:
            self._transport.close()


async def serve(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        authority = Authority.create(options.tls)
        context = authority.server(f"*{DOMAIN}")
    connection = b"" if options.polite else CLOSE
    answers = [_answer(body, connection) for body in draw_images(options.images)]
    robots = _answer(ROBOTS_TXT) if options.polite else b""
    latency = (options.latency[0], options.latency[-1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Answer(answers, latency, robots), "0.0.0.0", 0, ssl=context, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent closes it


def _answer(body: bytes, connection: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), connection, body)


def trusted(folder: Path) -> ssl.SSLContext:
    """What a client needs to trust the server that was started with `--tls folder`."""
    return trusting(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--polite", action="store_true")
    parser.add_argument("--latency", type=json.loads, default=[0.0])
    asyncio.run(serve(parser.parse_args()))
