"""Scenes drawn as images, in endless seeded streams."""

from collections.abc import Iterator
from math import cos, pi, sin
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workers.toy.world import Pair, Scene, Single, Thing, random_scene

TRAINING, UNSEEN = 0, 1  # disjoint streams of random numbers
_OVERSAMPLING: Final = 2  # drawn larger, then reduced: smooth edges
_JITTER: Final = 24  # of each channel of a colour
_RGB: Final = {
    "red": (214, 32, 32),
    "green": (32, 150, 48),
    "blue": (36, 68, 214),
    "yellow": (238, 208, 24),
    "purple": (146, 44, 176),
    "black": (24, 24, 24),
}
_CORNERS: Final = {  # around the origin, y downwards
    "square": ((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)),
    "triangle": ((0.0, -0.95), (0.95, 0.8), (-0.95, 0.8)),
    "star": tuple(
        (radius * sin(pi * corner / 5), -radius * cos(pi * corner / 5))
        for corner, radius in enumerate((1.0, 0.42) * 5)
    ),
}
_SINGLE_RADIUS: Final = {"small": (0.14, 0.2), "large": (0.33, 0.42)}  # share of the image
_PAIR_RADIUS: Final = (0.17, 0.22)


def draw_scenes(
    stream: int, seed: int, sides: tuple[int, int] = (64, 64)
) -> Iterator[tuple[Scene, Image.Image]]:
    """Scenes with RGB images of (width, height) `sides`, endless and determined by the arguments."""
    rng = np.random.default_rng((stream, seed))
    while True:
        scene = random_scene(rng)
        yield scene, draw(scene, rng, sides)


def draw(scene: Scene, rng: Generator, sides: tuple[int, int] = (64, 64)) -> Image.Image:
    """An RGB image of (width, height) `sides`; positions, sizes and shades are drawn from `rng`."""
    side = _OVERSAMPLING * max(64, *sides)
    canvas = Image.new("RGB", (side, side), _jitter((222, 222, 222), rng))
    brush = ImageDraw.Draw(canvas)
    for thing, centre, radius in _layout(scene, rng):
        _draw_thing(brush, thing, side * centre, side * radius, rng)
    return canvas.resize(sides, Image.Resampling.BOX)


def _layout(scene: Scene, rng: Generator) -> list[tuple[Thing, NDArray[np.float64], float]]:
    """Each thing with its centre (x, y) and radius, as shares of the image."""
    if isinstance(scene, Single):
        radius = float(rng.uniform(*_SINGLE_RADIUS[scene.size]))
        return [(scene.thing, rng.uniform(radius, 1 - radius, 2), radius)]
    return _layout_pair(scene, rng)


def _layout_pair(pair: Pair, rng: Generator) -> list[tuple[Thing, NDArray[np.float64], float]]:
    radii = rng.uniform(*_PAIR_RADIUS, 2)
    along = (rng.uniform(radii[0], 0.5 - radii[0] / 2), rng.uniform(0.5 + radii[1], 1 - radii[1]))
    across = rng.uniform(0.3, 0.7) + rng.uniform(-0.08, 0.08, 2)  # nearly level, so that one relation is true
    order = slice(None, None, 1 if pair.relation == "left of" else -1)
    centres = [np.array(place[order]) for place in zip(along, across, strict=True)]
    return list(zip((pair.first, pair.second), centres, radii.tolist(), strict=True))


def _draw_thing(
    brush: ImageDraw.ImageDraw, thing: Thing, centre: NDArray[np.float64], radius: float, rng: Generator
) -> None:
    fill = _jitter(_RGB[thing.colour], rng)
    if thing.shape == "circle":
        brush.ellipse((*(centre - 0.9 * radius), *(centre + 0.9 * radius)), fill)
        return
    corners = centre + radius * np.array(_CORNERS[thing.shape])
    brush.polygon([(float(x), float(y)) for x, y in corners], fill)


def _jitter(colour: tuple[int, int, int], rng: Generator) -> tuple[int, int, int]:
    red, green, blue = np.clip(rng.integers(-_JITTER, _JITTER + 1, 3) + colour, 0, 255).tolist()
    return red, green, blue
