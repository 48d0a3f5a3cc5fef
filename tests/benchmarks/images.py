"""Synthetic images of the sizes that LAION's links have: median near 500 x 500 pixels and 42 KB."""

import random
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

LAYERS = ((64, 60.0), (16, 22.0), (4, 9.0), (1, 4.0))
"""Coarse to fine noise: cell in pixels, strength. Gives JPEG about the entropy of photographs."""


def draw_images(count: int, seed: int = 0) -> Iterator[bytes]:
    """90 % JPEG, 5 % PNG, 5 % WebP."""
    dice = random.Random(seed)
    for number in range(count):
        size = (int(dice.lognormvariate(6.2, 0.35)), int(dice.lognormvariate(6.2, 0.35)))
        kind = {0: "PNG", 1: "WEBP"}.get(number % 20, "JPEG")
        yield encode(draw_image(size, number), kind)


def draw_image(size: tuple[int, int], seed: int) -> Image.Image:
    """RGB of `size` (width, height)."""
    numbers = np.random.default_rng(seed)
    width, height = size
    total = np.full((height, width, 3), 128.0, np.float32)
    for cell, strength in LAYERS:
        coarse = numbers.normal(0, strength, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(coarse[..., channel]).resize(size, Image.Resampling.BICUBIC)
            total[..., channel] += np.asarray(layer)
    return Image.fromarray(total.clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    image.save(file, kind, **({} if kind == "PNG" else {"quality": 85}))
    return file.getvalue()
