"""A small web of drawn pictures, with captions that fit: something to look at without any download."""

import io
import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from PIL import Image, ImageDraw

from common.run.status import Status
from tests.dataset.synthetic import failed

SIZE = (640, 480)
COLOURS = {
    "red": "#c8402f", "orange": "#e08a2c", "yellow": "#e9c445", "green": "#4a8f5a", "blue": "#3668b0",
    "purple": "#7b52a8", "pink": "#dd86a6", "white": "#f7f3ea",
}  # fmt: skip
GROUNDS = {"sand": "#d9c7a3", "grey": "#aab2b8", "night": "#232c43", "teal": "#8fc1b5", "rose": "#ecc9c0"}
SHAPES = ("circle", "square", "triangle", "star")
ALT_TEXTS = (
    "IMG_{number}.JPG", "Buy {colour} {shape} poster, free shipping", "{shape} | stock illustration {number}",
    "", "Download this {colour} {shape} icon for your website today", "untitled-{number}", "{shape}",
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """Two shapes on a ground."""

    number: int

    @property
    def words(self) -> dict[str, str]:
        draw = random.Random(self.number)
        colour, other = draw.sample(sorted(COLOURS), 2)
        shape, second = draw.sample(SHAPES, 2)
        ground = draw.choice(sorted(GROUNDS))
        return {"colour": colour, "other": other, "shape": shape, "second": second, "ground": ground}

    def png(self) -> bytes:
        words = self.words
        image = Image.new("RGB", SIZE, GROUNDS[words["ground"]])
        pen = ImageDraw.Draw(image)
        pen.rectangle((0, 350, *SIZE), fill=_shade(GROUNDS[words["ground"]]))
        _draw(pen, words["second"], (500, 330), 90, COLOURS[words["other"]])
        _draw(pen, words["shape"], (260, 270), 170, COLOURS[words["colour"]])
        sink = io.BytesIO()
        image.save(sink, "PNG")
        return sink.getvalue()

    def row(self, address: str) -> dict[str, Any]:
        draw, words = random.Random(-self.number), self.words
        text = draw.choice(ALT_TEXTS).format(number=1000 + self.number, **words)
        bare = {"URL": f"{address}/{self.number}.png", "TEXT": text}
        if draw.random() < 0.2:
            return failed(bare, draw.choice((Status.HTTP_4XX, Status.TIMEOUT, Status.OPT_OUT)))
        return bare | self._captions(draw)

    def _captions(self, draw: random.Random) -> dict[str, Any]:
        words = self.words
        forms = (
            "a {colour} {shape} in front of a small {other} {second}", "a large {colour} {shape}",
            "a {colour} {shape} next to a {other} {second} on a {ground} ground", "two shapes on a table",
            "a {other} {second} and a {colour} {shape}", "a drawing of a {colour} {shape}",
            "a {second} and a {shape}",
        )  # fmt: skip
        captions = [form.format(**words) for form in draw.sample(forms, len(forms))]
        ranker = sorted((draw.gauss(0.26, 0.04) for _ in captions), reverse=True)
        selector = [score + draw.gauss(0.02, 0.03) for score in ranker[:5]]
        return {
            "all_captions": captions,
            "all_similarities": ranker,
            "shortlist": captions[:5],
            "shortlist_similarities": selector,
            "top_caption": captions[selector.index(max(selector))],
            "status": Status.OK,
        }


def _shade(colour: str) -> tuple[int, ...]:
    return tuple(int(int(colour[at : at + 2], 16) * 0.86) for at in (1, 3, 5))


def _draw(pen: ImageDraw.ImageDraw, shape: str, centre: tuple[int, int], radius: int, colour: str) -> None:
    box = (*(value - radius for value in centre), *(value + radius for value in centre))
    if shape == "circle":
        pen.ellipse(box, fill=colour)
    elif shape == "square":
        pen.regular_polygon((*centre, radius), 4, fill=colour)
    elif shape == "triangle":
        pen.regular_polygon((*centre, radius), 3, fill=colour)
    else:
        pen.polygon(_star(centre, radius), fill=colour)


def _star(centre: tuple[int, int], radius: int) -> list[tuple[float, float]]:
    """Five points, from the top."""
    lengths = [radius, radius * 0.4] * 5
    turns = [math.pi * (step / 5 - 0.5) for step in range(10)]
    return [
        (centre[0] + length * math.cos(turn), centre[1] + length * math.sin(turn))
        for length, turn in zip(lengths, turns, strict=True)
    ]


@dataclass
class Web:
    """A server of pictures by number; it remembers what it was asked and with which headers."""

    address: str
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def image_web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            web.asked.append((self.path, dict(self.headers)))
            number = self.path.removeprefix("/").removesuffix(".png")
            body = Scene(int(number)).png() if number.isdecimal() else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web = Web(f"http://127.0.0.1:{server.server_port}")
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
