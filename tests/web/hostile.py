"""All that a hostile server does, one page each; as a module it serves them and prints its port."""

import asyncio
import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.web.server import Page, redirect, reply, serve

Behaviour = Callable[[asyncio.StreamWriter], Coroutine[Any, Any, None]]
OK = b"HTTP/1.1 200 OK\r\n"
IMAGE = b"\xff\xd8\xff\xe0" + bytes(1000)


def endless(head: bytes, piece: bytes, *, pause: float = 0) -> Behaviour:
    """`head`, then `piece` for ever."""

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return page


def interim(count: int, *, pause: float = 0) -> Behaviour:
    """So many informational responses, then silence."""

    async def page(writer: asyncio.StreamWriter) -> None:
        for _ in range(count):
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(pause)
        await silence(writer)

    return page


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reset_in_the_body(writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"Content-Length: 1000\r\n\r\nstart")
    await writer.drain()
    await asyncio.sleep(0.01)
    writer.transport.abort()


async def silence(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


def gzip_bomb() -> bytes:
    """300 MB in 300 KB: the second megabyte again and again (a full flush makes it stand alone)."""
    packer = zlib.compressobj(9, wbits=31)
    first, second = (packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return reply(
        first + second * 299 + packer.flush(),
        headers="Content-Encoding: gzip\r\nContent-Type: image/jpeg\r\n",
    )


@dataclass(frozen=True)
class Trick:
    """A page, what must become of its URL, and whether that takes until the time is over."""

    page: Page
    status: str
    slow: bool = False


def tricks() -> dict[str, Trick]:
    """By name; `slow` ones never end by themselves."""
    chunked = OK + b"Transfer-Encoding: chunked\r\n\r\n"
    return {
        "drip": Trick(endless(OK + b"Content-Length: 100000\r\n\r\n", b"x", pause=0.1), "timeout", slow=True),
        "drip-head": Trick(endless(OK, b"X", pause=0.1), "timeout", slow=True),
        "drip-chunks": Trick(endless(chunked, b"1\r\nx\r\n", pause=0.1), "timeout", slow=True),
        "silence": Trick(silence, "timeout", slow=True),
        "processing": Trick(interim(5, pause=0.05), "timeout", slow=True),
        "continue": Trick(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.01), "connect_error"),
        "continue-flood": Trick(endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4000), "connect_error"),
        "hints-of-a-megabyte": Trick(
            b"HTTP/1.1 103 Early Hints\r\nLink: <" + b"a" * 1_000_000 + b">\r\n\r\n" + reply(IMAGE),
            "too_large",
        ),
        "endless-empty-lines": Trick(endless(b"", b"\r\n" * 32768), "too_large"),
        "endless": Trick(endless(OK + b"\r\n", bytes(65536)), "too_large"),
        "endless-length": Trick(
            endless(OK + b"Content-Length: 99999999999\r\n\r\n", bytes(65536)), "too_large"
        ),
        "endless-chunks": Trick(endless(chunked, b"10000\r\n" + bytes(65536) + b"\r\n"), "too_large"),
        "bytes-behind": Trick(OK + b"Content-Length: 5\r\n\r\nfirst and more", "ok"),
        "endless-extension": Trick(endless(chunked + b"1;", b"a" * 65536), "too_large"),
        "endless-header": Trick(endless(OK + b"X-A: ", b"a" * 65536), "too_large"),
        "endless-headers": Trick(endless(OK, b"X-A: b\r\n" * 100), "too_large"),
        "endless-extensions": Trick(endless(chunked, b"1;" + b"a" * 65000 + b"\r\nx\r\n"), "too_large"),
        "endless-behind": Trick(endless(OK + b"Content-Length: 9000000\r\n\r\n", bytes(65536)), "ok"),
        "responses-behind": Trick(endless(reply(IMAGE), reply() * 1000), "ok"),
        "endless-trailers": Trick(endless(chunked + b"0\r\n", b"X-A: b\r\n" * 100), "too_large"),
        "head-of-a-megabyte": Trick(reply(IMAGE, headers=f"X-A: {'a' * 1_000_000}\r\n"), "too_large"),
        "gzip-bomb": Trick(gzip_bomb(), "too_large"),
        "gzip": Trick(reply(gzip.compress(IMAGE), headers="Content-Encoding: gzip\r\n"), "ok"),
        "gzip-chunked": Trick(
            chunked.replace(b"chunked", b"gzip, chunked") + b"1\r\nx\r\n0\r\n\r\n",
            "ok",  # the bytes as they are: nothing was unpacked
        ),
        "long-length": Trick(OK + b"Content-Length: 1000\r\n\r\nshort", "connect_error"),
        "negative-length": Trick(OK + b"Content-Length: -5\r\n\r\nshort", "connect_error"),
        "two-lengths": Trick(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nshort!", "connect_error"),
        "huge-length": Trick(OK + b"Content-Length: " + b"9" * 50 + b"\r\n\r\nshort", "connect_error"),
        "length-and-chunks": Trick(
            OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "connect_error",
        ),
        "bad-chunk": Trick(chunked + b"zz\r\n", "connect_error"),
        "huge-chunk": Trick(chunked + b"f" * 40 + b"\r\n", "connect_error"),
        "cut-chunks": Trick(chunked + b"5\r\nab", "connect_error"),
        "no-status": Trick(b"<html>hello</html>\r\n\r\n", "connect_error"),
        "code-99999": Trick(b"HTTP/1.1 99999 X\r\n\r\n", "connect_error"),
        "switching": Trick(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "http_4xx"),
        "nul-in-header": Trick(OK + b"X-A: a\0b\r\n\r\nx", "connect_error"),
        "nothing": Trick(b"", "connect_error"),
        "reset": Trick(reset, "connect_error"),
        "reset-in-the-body": Trick(reset_in_the_body, "connect_error"),
        "loop": Trick(redirect("/loop"), "too_many_redirects"),
        "redirect-nowhere": Trick(redirect("http://"), "invalid_url"),
        "redirect-garbage": Trick(redirect("http://[\xff"), "invalid_url"),
        "redirect-far": Trick(redirect("x" * 8100), "invalid_url"),
        "redirect-file": Trick(redirect("file:///etc/passwd"), "blocked"),
        "redirect-inside": Trick(redirect("http://169.254.169.254/latest/meta-data/"), "blocked"),
        "opt-out": Trick(reply(IMAGE, headers="X-Robots-Tag: noai\r\n"), "opt_out"),
        "gone": Trick(reply(status="410 Gone"), "http_4xx"),
        "broken": Trick(reply(status="500 X"), "http_5xx"),
        "fine": Trick(reply(IMAGE), "ok"),
    }


@contextmanager
def hostile_server() -> Iterator[int]:
    """The port of a hostile server in a process of its own, so that its memory is not counted."""
    command = [sys.executable, "-m", "tests.web.hostile"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.communicate()


async def main() -> None:
    async with serve({f"/{name}": trick.page for name, trick in tricks().items()}) as web:
        sys.stdout.write(f"{web.port}\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent closes it


if __name__ == "__main__":
    asyncio.run(main())
