"""The benchmark itself, from end to end on models that are small enough for a test."""

import pytest
import torch
from open_clip import CLIP
from transformers import BlipConfig, BlipForConditionalGeneration

from tests.benchmarks import cascade, cascade_models
from tests.benchmarks.cascade_ways import Models, Scripted

NAMED = {
    "decode_speedup_40_distinct",
    "decode_speedup_10_distinct",
    "cascade_speedup",
    "original_speedup",
    "text_speedup",
    "crosskv_mb_per_image",
    "gflop_per_image",
    "truthful_images_per_second",
    "truthful_usual_images_per_second",
}
TEXT = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VISION = {
    "ViT-L-14": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "RN50x64": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16},
}
SIDES = (32, 32, 64)


def small_blip() -> BlipForConditionalGeneration:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = BlipConfig(
        text_config={**shape, "encoder_hidden_size": 32},
        vision_config={**shape, "image_size": 32, "patch_size": 8},
    )
    model = BlipForConditionalGeneration(config)
    model.train(False)
    return model


def small_clip(name: str, *_: str) -> CLIP:
    return CLIP(embed_dim=16, vision_cfg=VISION[name], text_cfg=TEXT, quick_gelu=True).eval()


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Models:
    monkeypatch.setattr(cascade_models, "blip_large", small_blip)
    monkeypatch.setattr(cascade_models, "clip", small_clip)
    monkeypatch.setattr(cascade, "SIDES", SIDES)
    return cascade.models(torch.device("cpu"), torch.float32)


@pytest.mark.soak
@pytest.mark.models
def test_every_figure_is_there(plain: Models) -> None:
    figures = cascade.run(torch.device("cpu"), pairs=1, images=2)
    assert set(figures) >= NAMED
    assert figures["truthful_images_per_second"] > 0
    assert set(figures["by_processor_time"]) <= NAMED
    assert figures["table"][0]["technique"] == "original's way"
    assert all(len(seconds) >= 1 for seconds in figures["seconds"].values())


@pytest.mark.models
@torch.inference_mode()
def test_the_workload_is_what_it_says(plain: Models) -> None:
    """40 lanes write 10 texts of 15 tokens, other ones for other images; all are 16 tokens to the rankers."""
    features = torch.zeros(2, 17, 32)
    written = Scripted(plain).decode(features)
    texts = [{tuple(text) for text in written[first : first + 40]} for first in (0, 40)]
    assert [len(own) for own in texts] == [10, 10]
    assert not texts[0] & texts[1]
    assert {len(text) for own in texts for text in own} == {15}
    tokens = plain.texts(plain.captions(0))
    assert (tokens.argmax(-1) + 1).tolist() == [cascade_models.TEXT_TOKENS] * 10
