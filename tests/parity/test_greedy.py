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
from workers.cascade.blip import BlipCaptioner, BlipDecoder
from workers.cascade.load_blip import load_blip
from workers.models import resolve_model
from workers.toy.pictures import UNSEEN, pictures

NEW_TOKENS = 12
SAMPLING = SamplingSettings(max_tokens=(NEW_TOKENS,))
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["toy", "random"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if request.param == "toy":
        return resolve_model("toy/captioner")
    return save_random_blip(tmp_path_factory.mktemp("models") / "blip")


@pytest.fixture(scope="module")
def captioner(folder: Path) -> BlipCaptioner:
    return load_blip(folder, SAMPLING, CPU, torch.float32)


@pytest.fixture(scope="module")
def reference(folder: Path) -> BlipForConditionalGeneration:
    return BlipForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def images(captioner: BlipCaptioner, count: int) -> list[NDArray[np.uint8]]:
    if captioner.preprocessing.side == SIDE:  # what is like for a random model is not like for us: noise
        rng = np.random.default_rng(5)
        return [rng.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8) for _ in range(count)]
    stream = islice(pictures(UNSEEN, 3), count)
    return [captioner.preprocessing.resize(np.asarray(picture)) for _, picture in stream]


def generated(
    model: BlipForConditionalGeneration, folder: Path, captioner: BlipCaptioner, count: int
) -> tuple[list[str], Tensor]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    pixels = captioner.preprocessing.normalise(images(captioner, count), CPU, torch.float32)
    prompt = tokenizer([SAMPLING.prompt] * count, return_tensors="pt").input_ids
    length = prompt.shape[1] - 1
    tokens = model.generate(pixels, prompt, max_new_tokens=NEW_TOKENS, do_sample=False, num_beams=1)
    return [str(tokenizer.decode(row[length:], skip_special_tokens=True)) for row in tokens], tokens


@pytest.mark.models
@pytest.mark.parametrize("count", [1, 3, 8])
def test_greedy_captions_are_those_of_generate(
    folder: Path, captioner: BlipCaptioner, reference: BlipForConditionalGeneration, count: int
) -> None:
    expected, _ = generated(reference, folder, captioner, count)
    assert len(set(expected)) == count  # so that swapped keys and values would be seen
    assert captioner.greedy(images(captioner, count)) == expected


@pytest.mark.models
def test_logits_with_the_cache_are_those_without(
    folder: Path, captioner: BlipCaptioner, reference: BlipForConditionalGeneration
) -> None:
    """Teacher-forced over two lanes an image, one of which is dropped on the way; in float64."""
    _, tokens = generated(reference, folder, captioner, 3)
    pixels = captioner.preprocessing.normalise(images(captioner, 3), CPU, torch.float64)
    reference = deepcopy(reference).double()
    with torch.inference_mode():
        expected = reference(pixel_values=pixels, input_ids=tokens).logits
        features = reference.vision_model(pixel_values=pixels).last_hidden_state
        decoder = BlipDecoder(reference.text_decoder, features, tokens[0, :4], lanes=2)
        assert (decoder.logits[::2] - expected[:, 3]).abs().max() < 1e-5
        assert torch.equal(decoder.logits[::2], decoder.logits[1::2])
        rows = torch.tensor([0, 3, 4])  # one lane of each image
        for place in range(4, tokens.shape[1]):
            logits = decoder.step(tokens[:, place], rows)
            assert (logits - expected[:, place]).abs().max() < 1e-5
            rows = torch.arange(3)
