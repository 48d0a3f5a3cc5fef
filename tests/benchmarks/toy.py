"""The cascade on the toy models, with the texts that they really write: `python -m tests.benchmarks.toy`.

Ours beside the usual pipeline (transformers' `generate` with 40 returned sequences, then open_clip) over the
same unseen pictures, in turns. Prints images a second as medians, the ratio, and how often each was right.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import numpy as np
import open_clip
import torch
from PIL import Image
from transformers import AutoTokenizer, BlipForConditionalGeneration

from common.presets import PRESETS
from common.settings import SamplingSettings
from workers.cascade import Cascade
from workers.cascade.blip import text_setting
from workers.cascade.cascade import distinct
from workers.models import resolve_model
from workers.toy.pictures import UNSEEN, pictures
from workers.toy.quality import SIDES, load_toy

BATCH = 20
TOY = PRESETS["toy"]
Pictures = Sequence[Image.Image]


class Usual:
    """The pipeline that the libraries give."""

    def __init__(self, cascade: Cascade) -> None:
        folder = resolve_model(TOY.captioner)
        self._sampling = SamplingSettings(**TOY.sampling)
        self._resize = cascade.captioner.preprocessing
        self._blip = BlipForConditionalGeneration.from_pretrained(folder)
        self._words = AutoTokenizer.from_pretrained(folder)
        self._rankers = [_open_clip(name) for name in (TOY.ranker, TOY.selector)]

    @torch.inference_mode()
    def __call__(self, images: Pictures) -> list[str]:
        candidates = [distinct(own) for own in self._sample(images)]
        shortlists = [own[: self._sampling.shortlist] for own in self._ranked(0, images, candidates)]
        return [own[0] for own in self._ranked(1, images, shortlists)]

    def _sample(self, images: Pictures) -> list[list[str]]:
        rules, decoder = self._sampling, cast("Any", self._blip.text_decoder)
        resized = [self._resize.resize(np.asarray(image)) for image in images]
        pixels = cast("Any", self._resize).normalise(resized, self._blip.device, torch.float32)
        prompt = self._words(rules.prompt, return_tensors="pt").input_ids[:, :-1]
        prompt[:, 0] = text_setting(self._blip, "bos_token_id")
        tokens = decoder.generate(
            prompt.expand(len(images), -1),
            encoder_hidden_states=self._blip.vision_model(pixel_values=pixels).last_hidden_state,
            do_sample=True,
            num_return_sequences=rules.lanes,
            min_new_tokens=rules.min_tokens,
            max_new_tokens=max(rules.max_tokens),
            top_k=rules.top_k,
            top_p=rules.top_p,
            temperature=rules.temperature,
            repetition_penalty=rules.repetition_penalty,
            eos_token_id=text_setting(self._blip, "sep_token_id"),
            pad_token_id=text_setting(self._blip, "pad_token_id"),
        )
        texts = self._words.batch_decode(tokens[:, prompt.shape[1] :], skip_special_tokens=True)
        return [texts[first : first + rules.lanes] for first in range(0, len(texts), rules.lanes)]

    def _ranked(self, which: int, images: Pictures, texts: Sequence[Sequence[str]]) -> list[list[str]]:
        model, transform, tokenizer = self._rankers[which]
        seen = model.encode_image(torch.stack([transform(image) for image in images]), normalize=True)
        read = model.encode_text(tokenizer([text for own in texts for text in own]), normalize=True)
        each = read.split([len(own) for own in texts])
        orders = [
            (one @ own.T).argsort(descending=True).tolist() for one, own in zip(seen, each, strict=True)
        ]
        return [[own[place] for place in order] for own, order in zip(texts, orders, strict=True)]


def _open_clip(name: str) -> tuple[Any, Any, Any]:
    location = f"local-dir:{resolve_model(name)}"
    model, _, transform = open_clip.create_model_and_transforms(location)
    return model.eval(), transform, open_clip.get_tokenizer(location)


def ours(cascade: Cascade, images: Pictures) -> list[str]:
    inputs = [cascade.prepare(np.asarray(image)) for image in images]
    return [found.top for found in cascade.caption(inputs, range(len(images)))]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(2)
    cascade = load_toy()
    ways: dict[str, Callable[[Pictures], list[str]]] = {
        "usual": Usual(cascade),
        "ours": lambda images: ours(cascade, images),
    }
    print(json.dumps(measure(ways, options.pictures, options.rounds), indent=1))


def measure(
    ways: Mapping[str, Callable[[Pictures], list[str]]], count: int, rounds: int
) -> dict[str, dict[str, float] | float]:
    scenes = list(islice(pictures(UNSEEN, 0, SIDES), count))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    right: dict[str, list[bool]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            for first in range(0, count, BATCH):
                some = scenes[first : first + BATCH]
                tops = way([picture for _, picture in some])
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
