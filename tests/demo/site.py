"""A small web on loopback: toy pictures in four formats, and everything that goes wrong out there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice

from aiohttp import web

from tests.servers.background import background, serving
from tests.servers.ports import free_ports
from workers.toy.drawing import UNSEEN, draw_scenes

FORMATS = ("jpeg", "png", "webp", "gif")
SEED = 20_221_101
CUT = 0.6
"""The share of a truncated picture that arrives."""


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """One picture of the site, and the sentence that is true of it."""

    path: str
    body: bytes
    truth: str
    width: int
    height: int


def draw_images(count: int) -> list[DrawnImage]:
    """Pictures that no model was trained on, in all formats and several sizes."""
    drawn = []
    for number, side in enumerate(islice((96 + 32 * (step % 6) for step in range(count)), count)):
        scene, image = next(draw_scenes(UNSEEN, SEED + number, (side, side)))
        kind = FORMATS[number % len(FORMATS)]
        body = BytesIO()
        image.save(body, kind, quality=92)
        drawn.append(DrawnImage(f"/pictures/{number}.{kind}", body.getvalue(), str(scene), side, side))
    return drawn


@dataclass(frozen=True, slots=True)
class Site:
    """The running site: `url` for what answers, `silent_url` for the host that never does."""

    url: str
    silent_url: str


@contextmanager
def serve(drawn: list[DrawnImage]) -> Iterator[Site]:
    """Serve until the block ends, from a thread beside."""
    with background(lambda: _site(drawn)) as site:
        yield site


@asynccontextmanager
async def _site(drawn: list[DrawnImage]) -> AsyncIterator[Site]:
    port, silent = free_ports(2)
    listening = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", silent)
    async with listening, serving(_application(drawn), port) as url:
        yield Site(url, f"http://127.0.0.1:{silent}")


def _application(drawn: list[DrawnImage]) -> web.Application:
    bodies = {image.path: image.body for image in drawn}
    app = web.Application()
    app.add_routes(
        [
            web.get("/pictures/{name}", partial(_image, bodies)),
            web.get("/truncated/{name}", partial(_truncated, bodies)),
            web.get("/moved/{name}", _moved),
            web.get("/no-ai/{name}", partial(_opted_out, bodies)),
            web.get("/page/{name}", _page),
            web.get("/broken/{name}", _broken),
        ]
    )
    return app


def _body(bodies: dict[str, bytes], request: web.Request) -> bytes:
    return bodies[f"/pictures/{request.match_info['name']}"]


async def _image(bodies: dict[str, bytes], request: web.Request) -> web.Response:
    if request.path not in bodies:
        raise web.HTTPNotFound
    return web.Response(body=_body(bodies, request))


async def _truncated(bodies: dict[str, bytes], request: web.Request) -> web.Response:
    body = _body(bodies, request)
    return web.Response(body=body[: int(len(body) * CUT)])


async def _moved(request: web.Request) -> web.Response:
    raise web.HTTPFound(f"/pictures/{request.match_info['name']}")


async def _opted_out(bodies: dict[str, bytes], request: web.Request) -> web.Response:
    return web.Response(body=_body(bodies, request), headers={"X-Robots-Tag": "noai, noimageai"})


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>Not a picture</title>", content_type="image/jpeg")


async def _broken(_: web.Request) -> web.Response:
    raise web.HTTPInternalServerError
