"""Accuracy of the toy models on unseen images: `python -m workers.toy.quality`."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Annotated

import numpy as np
import torch
import typer
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from workers.cascade.assemble import load_cascade
from workers.cascade.cascade import Cascade
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.world import Scene

BATCH = 20
SIDES = (96, 96)  # of the images; each model resizes them


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of images whose caption is the true sentence, word for word."""

    greedy: float  # the likeliest token at every step
    sample: float  # one of the lanes, taken at random
    ranker: float  # the ranker's best candidate
    top: float  # the cascade's top caption


def load_toy(device: str = "cpu") -> Cascade:
    """The toy preset's models with its own sampling settings."""
    preset = PRESETS["toy"]
    captioner, ranker, selector = map(resolve_model, (preset.captioner, preset.ranker, preset.selector))
    return load_cascade(captioner, ranker, selector, SamplingSettings(**preset.sampling), device)


def measure(cascade: Cascade, scenes: Iterable[tuple[Scene, Image.Image]]) -> Quality:
    """Caption images, BATCH at a time, and compare with their sentences."""
    stream = enumerate(scenes)
    rows: list[tuple[float, ...]] = []
    while batch := list(islice(stream, BATCH)):
        keys, pairs = zip(*batch, strict=True)
        rows += _compare(cascade, keys, pairs)
    return Quality(*np.array(rows).mean(axis=0).tolist())


def _compare(
    cascade: Cascade, keys: tuple[int, ...], pairs: tuple[tuple[Scene, Image.Image], ...]
) -> list[tuple[float, ...]]:
    sentences = [str(scene) for scene, _ in pairs]
    inputs = [cascade.prepare(np.asarray(image)) for _, image in pairs]
    pixels = [image.captioner for image in inputs]
    greedy = cascade.captioner.decode_greedy(pixels)
    lanes = cascade.captioner.sample(pixels, keys)
    captions = cascade.caption(inputs, keys)
    return [
        (likeliest == true, own.count(true) / len(own), found.candidates[0] == true, found.top == true)
        for true, likeliest, own, found in zip(sentences, greedy, lanes, captions, strict=True)
    ]


def quality_table(quality: Quality, count: int) -> Table:
    result = Table("caption", "exactly right", title=f"toy models on {count} unseen images")
    labels = ("greedy", "one random sample", "the ranker's choice alone", "the cascade's top caption")
    for label, share in zip(labels, asdict(quality).values(), strict=True):
        result.add_row(label, f"{share:.1%}")
    return result


def main(
    count: Annotated[int, typer.Option("--images", help="number of images", min=1)] = 500,
    seed: Annotated[int, typer.Option(help="of the images")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    """Measure how often the toy models are exactly right on images outside their training."""
    torch.set_num_threads(1)
    stream = islice(draw_scenes(UNSEEN, seed, SIDES), count)
    progress = Console(stderr=True)
    quality = measure(load_toy(), track(stream, "captioning", count, console=progress, transient=True))
    if as_json:
        typer.echo(json.dumps({"images": count, **asdict(quality)}))
    else:
        Console().print(quality_table(quality, count))


if __name__ == "__main__":
    typer.run(main)
