"""The whole cascade against a plain one: the models' own libraries, one image and one text at a time."""

from itertools import islice
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from common.settings import SamplingSettings
from tests.benchmarks.cascade_models import blip_large
from workers.captions import Captions
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.blip.text_decoder import TextDecoder
from workers.cascade.cascade import Cascade
from workers.cascade.sampling.device_sampler import DeviceSampler
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES, load_toy

pytestmark = pytest.mark.models

COUNT = 12


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return [image for _, image in islice(draw_scenes(UNSEEN, 8, SIDES), COUNT)]


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    return load_toy()


@pytest.fixture(scope="module")
def captions(cascade: Cascade, images: list[Image.Image]) -> list[Captions]:
    return cascade.caption([cascade.prepare(np.asarray(image)) for image in images], range(COUNT))


def ranked(name: str, image: Image.Image, texts: tuple[str, ...]) -> list[str]:
    """Best first, by open_clip alone; texts at their full length."""
    location = f"local-dir:{resolve_model(name)}"
    model, _, transform = open_clip.create_model_and_transforms(location)
    tokenizer = open_clip.get_tokenizer(location)
    model.eval()
    with torch.inference_mode():
        seen: Any = model.encode_image(transform(image)[None], normalize=True)
        cosines = [float(seen[0] @ model.encode_text(tokenizer([text]), normalize=True)[0]) for text in texts]
    return [texts[place] for place in sorted(range(len(texts)), key=lambda place: -cosines[place])]


def test_the_same_candidates_give_the_same_top_caption(
    captions: list[Captions], images: list[Image.Image]
) -> None:
    assert sum(len(own.candidates) > 5 for own in captions) >= COUNT // 3  # there was something to choose
    for own, image in zip(captions, images, strict=True):
        shortlist = ranked("toy/ranker", image, own.candidates)[:5]
        assert set(shortlist) == set(own.shortlist)
        assert ranked("toy/selector", image, tuple(shortlist))[0] == own.top


def test_fixed_sizes_give_the_same_captions(cascade: Cascade, images: list[Image.Image]) -> None:
    """What a GPU runs, but for the capture: nodes padded to a few sizes, the whole cache behind a mask."""
    sampling = SamplingSettings(lanes=12, max_tokens=(4, 9), top_p=0.9, repetition_penalty=1.1, min_tokens=2)
    folder, cpu = resolve_model("toy/captioner"), torch.device("cpu")
    exact, fixed = (load_blip(folder, sampling, cpu, torch.float32) for _ in range(2))
    pixels = [cascade.prepare(np.asarray(image)).captioner for image in images]
    fixed.captures = True
    assert isinstance(fixed.sampler([1]), DeviceSampler)
    for some in (
        slice(0, 5),
        slice(5, 7),
        slice(0, 9),
    ):  # a smaller batch reuses the workspace, a larger one does not
        keys = list(range(COUNT))[some]
        assert fixed.sample(pixels[some], keys) == exact.sample(pixels[some], keys)


def test_keys_and_values_of_an_image_at_full_size_are_21_megabytes() -> None:
    """Counted on tensors of that shape that hold nothing."""
    with torch.device("meta"):
        model = blip_large()
    text = TextDecoder(model.text_decoder).to(torch.bfloat16)
    cache = text.new_cache(1, 577, 40, 49)
    assert cache.cross_kv.nbytes <= 22e6
