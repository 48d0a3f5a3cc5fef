"""Servers that do all that a server can do wrong: `python -m tests.faults.adversary.site` prints their ports.

A process of its own, so that neither its memory nor its work is the test's.
"""

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import cache

from tests.web.hostile import tricks
from tests.web.server import Page, reply, serve
from tests.workers.decode.corpus import BOMBS, METADATA_BOMBS, POLYGLOTS
from tests.workers.decode.mutate import mutations
from tests.workers.decode.slow import COUNTED, LABORIOUS

SERVERS = 8
"""Origins: a host that fails is left alone for a while."""

MUTATIONS = 200
MOST_BYTES = 19_000_000
IMAGES = [
    *METADATA_BOMBS.values(),
    *POLYGLOTS.values(),
    BOMBS["png, packed"],
    *COUNTED.values(),
    *LABORIOUS.values(),
]


def paths(*, laborious: bool) -> list[str]:
    """Every page, the images as often as the tricks; the laborious images take seconds each."""
    images = [f"/image-{n}" for n in range(len(IMAGES))]
    some = images if laborious else images[: -len(LABORIOUS)]
    return [f"/{name}" for name in tricks()] + some + [f"/mutation-{n}" for n in range(MUTATIONS)]


def _pages() -> dict[str, Page]:
    pages = {f"/{name}": trick.page for name, trick in tricks().items()}
    pages |= {f"/image-{n}": _lazily(image) for n, image in enumerate(IMAGES)}
    bodies = mutations(MUTATIONS)
    return pages | {f"/mutation-{n}": reply(body) for n, body in enumerate(bodies)}


def _lazily(image: Callable[[], bytes]) -> Page:
    """An image that is made when it is first asked for: some take seconds."""
    made = cache(image)

    async def page(writer: asyncio.StreamWriter) -> None:
        writer.write(reply((await asyncio.to_thread(made))[:MOST_BYTES]))
        await writer.drain()

    return page


def hostile_urls(ports: list[int], chance: random.Random, *, laborious: bool) -> Iterator[str]:
    """Links without end, of every kind."""
    pages = paths(laborious=laborious)
    odd = [
        "http://",
        "file:///etc/passwd",
        "\x00",
        "http://0x7f.1/",
        "http://169.254.169.254/latest/",
        "x" * 9000,
    ]
    number = 0
    while True:
        number += 1
        if chance.random() < 0.05:
            yield chance.choice(odd)
        else:
            yield f"http://127.0.0.1:{chance.choice(ports)}{chance.choice(pages)}?{number}"


@contextmanager
def hostile_servers() -> Iterator[list[int]]:
    """Their ports, while the block runs."""
    command = [sys.executable, "-m", "tests.faults.adversary.site"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            yield [int(port) for port in server.stdout.readline().split()]
        finally:
            server.kill()


async def main() -> None:
    pages = _pages()
    async with AsyncExitStack() as stack:
        webs = [await stack.enter_async_context(serve(pages)) for _ in range(SERVERS)]
        sys.stdout.write(" ".join(str(web.port) for web in webs) + "\n")
        sys.stdout.flush()
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # until the parent closes it


if __name__ == "__main__":
    asyncio.run(main())
