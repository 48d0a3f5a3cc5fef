"""A small web on loopback: toy pictures in four formats, and everything that goes wrong out there."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

from aiohttp import web

from tests.servers.ports import free_ports
from workers.toy.pictures import UNSEEN, pictures

FORMATS = ("jpeg", "png", "webp", "gif")
SEED = 20_221_101
CUT = 0.6
"""The share of a truncated picture that arrives."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the site, and the sentence that is true of it."""

    path: str
    body: bytes
    truth: str
    width: int
    height: int


def draw_pictures(count: int) -> list[Picture]:
    """Pictures that no model was trained on, in all formats and several sizes."""
    drawn = []
    for number, side in enumerate(islice((96 + 32 * (step % 6) for step in range(count)), count)):
        scene, image = next(pictures(UNSEEN, SEED + number, (side, side)))
        kind = FORMATS[number % len(FORMATS)]
        body = BytesIO()
        image.save(body, kind, quality=92)
        drawn.append(Picture(f"/pictures/{number}.{kind}", body.getvalue(), str(scene), side, side))
    return drawn


@dataclass(frozen=True, slots=True)
class Site:
    """The running site: `url` for what answers, `silent_url` for the host that never does."""

    url: str
    silent_url: str


@contextmanager
def serve(drawn: list[Picture]) -> Iterator[Site]:
    """Serve until the block ends, from a thread beside."""
    port, silent = free_ports(2)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="site", daemon=True)
    thread.start()
    runner = web.AppRunner(_application(drawn))
    asyncio.run_coroutine_threadsafe(_start(runner, port, silent), loop).result(10)
    try:
        yield Site(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{silent}")
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _start(runner: web.AppRunner, port: int, silent: int) -> None:
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.get_running_loop().create_server(
        asyncio.Protocol, "127.0.0.1", silent
    )  # listens, says nothing


def _application(drawn: list[Picture]) -> web.Application:
    bodies = {picture.path: picture.body for picture in drawn}
    app = web.Application()
    app.add_routes(
        [
            web.get("/pictures/{name}", lambda request: _picture(request, bodies)),
            web.get("/truncated/{name}", lambda request: _truncated(request, bodies)),
            web.get("/moved/{name}", _moved),
            web.get("/no-ai/{name}", lambda request: _opted_out(request, bodies)),
            web.get("/page/{name}", _page),
            web.get("/broken/{name}", _broken),
        ]
    )
    return app


def _body(request: web.Request, bodies: dict[str, bytes]) -> bytes:
    return bodies[f"/pictures/{request.match_info['name']}"]


async def _picture(request: web.Request, bodies: dict[str, bytes]) -> web.Response:
    if request.path not in bodies:
        raise web.HTTPNotFound
    return web.Response(body=_body(request, bodies))


async def _truncated(request: web.Request, bodies: dict[str, bytes]) -> web.Response:
    body = _body(request, bodies)
    return web.Response(body=body[: int(len(body) * CUT)])


async def _moved(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"/pictures/{request.match_info['name']}")


async def _opted_out(request: web.Request, bodies: dict[str, bytes]) -> web.Response:
    return web.Response(body=_body(request, bodies), headers={"X-Robots-Tag": "noai, noimageai"})


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>Not a picture</title>", content_type="image/jpeg")


async def _broken(_: web.Request) -> web.Response:
    raise web.HTTPInternalServerError
