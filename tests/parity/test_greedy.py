"""Greedy decoding, token for token that of `BlipForConditionalGeneration.generate`."""

from copy import deepcopy
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoTokenizer, BlipForConditionalGeneration

from common.settings import SamplingSettings
from tests.parity.models import SIDE, save_random_blip
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.incremental_decoder import BlipDecoder
from workers.cascade.blip.load_blip import load_blip
from workers.cascade.blip.steps import EagerStep, GraphStep, Step
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes

pytestmark = pytest.mark.models

NEW_TOKENS = 12
SAMPLING = SamplingSettings(max_tokens=(NEW_TOKENS,))
CPU = torch.device("cpu")
LANES = 4


@pytest.fixture(scope="module", params=["toy", "random"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "toy":
        return resolve_model("toy/captioner")
    return save_random_blip(tmp_path_factory.mktemp("models") / "blip")


@pytest.fixture
def captioner(folder: Path) -> BlipCaptioner:
    return load_blip(folder, SAMPLING, CPU, torch.float32)


@pytest.fixture(scope="module")
def reference(folder: Path) -> BlipForConditionalGeneration:
    return BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def images(captioner: BlipCaptioner, count: int) -> list[NDArray[np.uint8]]:
    if captioner.preprocessing.side == SIDE:  # what is like for a random model is not like for us: noise
        rng = np.random.default_rng(5)
        return [rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8) for _ in range(count)]
    stream = islice(draw_scenes(UNSEEN, 3), count)
    return [captioner.preprocessing.resize(np.asarray(image)) for _, image in stream]


def generated(
    model: BlipForConditionalGeneration, folder: Path, captioner: BlipCaptioner, count: int
) -> tuple[list[str], Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pixels = captioner.preprocessing.normalise(images(captioner, count), CPU, torch.float32)
    prompt = tokenizer([SAMPLING.prompt] * count, return_tensors="pt").input_ids
    length = prompt.shape[1] - 1
    tokens = model.generate(pixels, prompt, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1)
    return [str(tokenizer.decode(row[length:], skip_special_tokens=True)) for row in tokens], tokens


@pytest.mark.parametrize("count", [1, 3, 8])
def test_greedy_captions_are_those_of_generate(
    folder: Path, captioner: BlipCaptioner, reference: BlipForConditionalGeneration, count: int
) -> None:
    expected, _ = generated(reference, folder, captioner, count)
    assert len(set(expected)) == count  # so that swapped keys and values would be seen
    assert captioner.decode_greedy(images(captioner, count)) == expected


def test_keys_and_values_of_another_image_are_seen(
    folder: Path,
    captioner: BlipCaptioner,
    reference: BlipForConditionalGeneration,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected, _ = generated(reference, folder, captioner, 3)
    fill = TextDecoder.fill_cross_cache

    def swapped(text: TextDecoder, features: Tensor, cache: Cache) -> None:
        fill(text, features[[1, 0, 2]], cache)

    monkeypatch.setattr(TextDecoder, "fill_cross_cache", swapped)
    found = captioner.decode_greedy(images(captioner, 3))
    assert found[0] != expected[0]
    assert found[1] != expected[1]
    assert found[2] == expected[2]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-9)], ids=str)
@pytest.mark.parametrize("way", [EagerStep, GraphStep])
def test_teacher_forced_logits_are_those_without_a_cache(  # noqa: PLR0917 -- fixtures and parameters
    folder: Path,
    captioner: BlipCaptioner,
    reference: BlipForConditionalGeneration,
    way: type[EagerStep | GraphStep],
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    """Nodes split, change places and are forgotten on the way."""
    _, tokens = generated(reference, folder, captioner, 3)
    pixels = captioner.preprocessing.normalise(images(captioner, 3), CPU, dtype)
    reference = deepcopy(reference).to(dtype)  # type: ignore[arg-type]
    with torch.inference_mode():
        expected = reference(pixel_values=pixels, input_ids=tokens).logits
        features = reference.vision_model(pixel_values=pixels).last_hidden_state
        text = TextDecoder(reference.text_decoder)
        cache = text.new_cache(4, features.shape[1], 4 * LANES, tokens.shape[1])  # room for another image
        step: Step = EagerStep(text, cache) if way is EagerStep else GraphStep(text, cache, LANES)
        decoder = BlipDecoder(text, cache, step, features, tokens[0, :4].numpy())
        assert isinstance(decoder.logits, Tensor)
        assert (decoder.logits - expected[:, 3]).abs().max() < tolerance
        image = np.arange(3)
        parents = [
            np.array(nodes) for nodes in ([0, 0, 1, 2, 2, 2], [0, 0, 3, 5, 2], [4, 3, 2], [0, 0, 0, 2])
        ]
        for place in range(4, tokens.shape[1]):
            chosen = parents[place - 4] if place - 4 < len(parents) else np.arange(len(image))
            image = image[chosen]
            logits = decoder.step(tokens[image, place].numpy(), chosen)
            assert isinstance(logits, Tensor)
            assert (logits - expected[image, place]).abs().max() < tolerance
