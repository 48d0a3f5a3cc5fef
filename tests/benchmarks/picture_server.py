"""A fast web server of synthetic pictures in a process of its own.

It listens on every loopback address, answers any path `/N` with picture N (404 for every fifth), closes
the connection after each answer, and waits a random time first if asked.
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

from tests.benchmarks.pictures import pictures
from tests.web.certificates import Authority, trusting

HOSTS = [f"127.0.{block}.{last}" for block in range(2) for last in range(1, 129)]
"""256 addresses, each a host of its own to the client."""
MISSING = 0
"""A number of which there is no picture."""
DOMAIN = ".pictures.test"
"""What their names end with: over TLS, where one certificate of 256 addresses would be dear to read."""


@contextmanager
def picture_server(*arguments: str) -> Iterator[int]:
    """Its port."""
    command = [sys.executable, "-m", "tests.benchmarks.picture_server", *arguments]
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
    """One request, one picture."""

    def __init__(self, answers: list[bytes], latency: tuple[float, float]) -> None:
        self._answers = answers
        self._latency = latency
        self._head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._head += data
        if b"\r\n\r\n" in self._head:
            name = self._head[5 : self._head.index(b" ", 5)].removesuffix(b".jpg")
            number = int(name) if name.isdigit() else MISSING  # robots.txt and its like
            pause = random.uniform(*self._latency)
            asyncio.get_running_loop().call_later(pause, self._send, number) if pause else self._send(number)

    def _send(self, number: int) -> None:
        missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self._transport.write(self._answers[number % len(self._answers)] if number % 5 else missing)
        self._transport.close()


async def serve(options: argparse.Namespace) -> None:
    context = None
    if options.tls:
        authority = Authority.create(options.tls)
        context = authority.server(f"*{DOMAIN}")
    answers = [_answer(body) for body in pictures(options.pictures)]
    latency = (options.latency[0], options.latency[-1])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Answer(answers, latency), "0.0.0.0", 0, ssl=context, backlog=4096
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)  # until the parent closes it


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


def trusted(folder: Path) -> ssl.SSLContext:
    """What a client needs to trust the server that was started with `--tls folder`."""
    return trusting(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--latency", type=json.loads, default=[0.0])
    asyncio.run(serve(parser.parse_args()))
