"""The cascade on the toy models, with the texts that they really write: `python -m tests.benchmarks.toy`.

Ours beside the usual pipeline (transformers' `generate` with 40 returned sequences, then open_clip) over the
same unseen images, in turns. Prints images a second as medians, the ratio, and how often each was right.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import open_clip
import torch
from transformers import AutoTokenizer, BlipForConditionalGeneration

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from tests.benchmarks.cascade_ways import Models, usual_decode, usual_ranking
from workers.captions import Image
from workers.cascade.cascade import Cascade, deduplicate
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES, load_toy

BATCH = 20
TOY = PRESETS["toy"]
Images = Sequence[Image]


def toy_models(cascade: Cascade) -> Models:
    """As the libraries load them, with the preprocessing that ours has; both rankers read the same tokens."""
    folder, ranker, selector = map(resolve_model, (TOY.captioner, TOY.ranker, TOY.selector))
    steps: Any = (cascade.captioner, cascade._ranker, cascade._selector)
    return Models(
        BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32),
        open_clip.create_model(f"local-dir:{ranker}").eval(),
        open_clip.create_model(f"local-dir:{selector}").eval(),
        AutoTokenizer.from_pretrained(folder),
        open_clip.get_tokenizer(f"local-dir:{ranker}"),
        (steps[0].preprocessing, steps[1].preprocessing, steps[2].preprocessing),
        SamplingSettings(**TOY.sampling),
    )


@torch.inference_mode()
def usual(models: Models, images: Images) -> list[str]:
    """The pipeline that the libraries give, with the texts that it writes."""
    features = models.blip.vision_model(pixel_values=models.pixels(0, images)).last_hidden_state
    tokens = usual_decode(models, features)[:, len(models.prompt()) :]
    texts = models.words.batch_decode(tokens, skip_special_tokens=True)
    lanes = models.sampling.lanes
    candidates = [deduplicate(texts[first : first + lanes]) for first in range(0, len(texts), lanes)]
    shortlists = usual_ranking(models, 1, images, candidates)
    return [best[0] for best in usual_ranking(models, 2, images, shortlists)]


def ours(cascade: Cascade, images: Images) -> list[str]:
    inputs = [cascade.prepare(image) for image in images]
    return [found.top for found in cascade.caption(inputs, range(len(images)))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(2)
    cascade = load_toy()
    ways = {"usual": partial(usual, toy_models(cascade)), "ours": partial(ours, cascade)}
    print(json.dumps(measure(ways, options.images, options.rounds), indent=1))


def measure(
    ways: Mapping[str, Callable[[Images], list[str]]], count: int, rounds: int
) -> dict[str, dict[str, float] | float]:
    scenes = list(islice(draw_scenes(UNSEEN, 0, SIDES), count))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    right: dict[str, list[bool]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            for first in range(0, count, BATCH):
                some = scenes[first : first + BATCH]
                tops = way([np.asarray(image) for _, image in some])
                right[name] += [top == str(scene) for top, (scene, _) in zip(tops, some, strict=True)]
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return {
        "images_per_second": {name: round(count / median, 2) for name, median in medians.items()},
        "exactly_right": {name: round(sum(found) / len(found), 3) for name, found in right.items()},
        "cascade_speedup": round(medians["usual"] / medians["ours"], 2),
    }


if __name__ == "__main__":
    main()
