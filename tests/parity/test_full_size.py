"""The parity tests again, at the size of the real model."""

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import BlipForConditionalGeneration

from common.settings import SamplingSettings
from tests.benchmarks.cascade_models import blip_large, word_tokenizer
from tests.parity.models import sharpen
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.pixels import Fit, Preprocessing, Resampling
from workers.cascade.sampling.samplers import greedy_sampler

NEW_TOKENS = 5
PATCHES, WIDTH = 577, 1024


@pytest.fixture(scope="module")
def model() -> BlipForConditionalGeneration:
    model = blip_large(vision_layers=1)  # no image is encoded here
    sharpen(model, cross=1.3, other=1.0)
    return model


@pytest.fixture(scope="module")
def captioner(model: BlipForConditionalGeneration) -> BlipCaptioner:
    processor = Preprocessing(384, Fit.SQUASH, Resampling.BICUBIC, (0.5,) * 3, (0.5,) * 3)
    return BlipCaptioner(model, word_tokenizer(), processor, SamplingSettings(max_tokens=(NEW_TOKENS,)))


def random_features(count: int) -> Tensor:
    return torch.randn(count, PATCHES, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.mark.slow
@pytest.mark.timeout(600)  # seconds on an idle machine
@pytest.mark.parametrize("count", [1, 4])
@torch.inference_mode()
def test_greedy_tokens_are_those_of_generate(
    model: BlipForConditionalGeneration, captioner: BlipCaptioner, count: int
) -> None:
    """From the vision tower's features on: those of random pictures would differ less than these do."""
    features = random_features(count)
    prompt = torch.tensor([[30522, 1037, 3861, 1997]]).expand(count, -1)
    expected = model.text_decoder.generate(  # type: ignore[misc]
        prompt, encoder_hidden_states=features, max_new_tokens=NEW_TOKENS, eos_token_id=102, do_sample=False
    )[:, 4:].tolist()
    assert len({tuple(row) for row in expected}) == count
    assert captioner.generate(features, [NEW_TOKENS], greedy_sampler(102)) == expected


@pytest.mark.slow
@pytest.mark.timeout(600)
@torch.inference_mode()
def test_teacher_forced_logits(model: BlipForConditionalGeneration, captioner: BlipCaptioner) -> None:
    features, tokens = random_features(1), torch.randint(1000, 30000, (1, 9))
    expected = model.text_decoder(input_ids=tokens, encoder_hidden_states=features).logits
    captioner._prompt = tokens[0, :4].numpy()
    decoder = captioner._new_decoder(features, greedy_sampler(102))
    for place in range(4, 9):
        logits = decoder.step(tokens[:, place].numpy(), np.array([0]))
        assert isinstance(logits, Tensor)
        assert (logits - expected[:, place]).abs().max() < 1e-4
