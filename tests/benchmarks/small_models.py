"""The three models so small that a benchmark runs from end to end within seconds: for tests and dry runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

import torch
from open_clip import CLIP
from torch import nn
from transformers import BlipConfig, BlipForConditionalGeneration

from common.settings import SamplingSettings
from tests.benchmarks import cascade, cascade_models, cascade_truthful, roofline

SIDES: Final = (32, 32, 64)
FEW: Final = 8
"""Images of a small prediction."""

SAMPLING: Final = SamplingSettings(lanes=10, max_tokens=(8,))
_TEXT: Final[Any] = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
_VISION: Final[Any] = {
    "ViT-L-14": {"image_size": 32, "patch_size": 8, "width": 32, "layers": 2, "head_width": 16},
    "RN50x64": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 16},
}


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
    torch.manual_seed(0)
    return CLIP(embed_dim=16, vision_cfg=_VISION[name], text_cfg=_TEXT, quick_gelu=True).eval()


@contextmanager
def small_sizes() -> Iterator[None]:
    """Within, the benchmarks build small models in place of those of full size."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(cascade_models, "blip_large", small_blip))
        patches.enter_context(patch.object(cascade_models, "clip", small_clip))
        patches.enter_context(patch.object(cascade, "SIDES", SIDES))
        patches.enter_context(patch.object(cascade_truthful, "SAMPLING", SAMPLING))
        yield


@contextmanager
def small_prediction() -> Iterator[None]:
    """Within, the roofline counts a few short captions of small models, at this host's pace."""
    with small_sizes(), ExitStack() as patches:
        patches.enter_context(patch.object(cascade_models, "clip", _small_clip_of_a_gpu))
        patches.enter_context(patch.object(roofline, "SIDES", SIDES))
        patches.enter_context(patch.object(roofline, "SAMPLING", SAMPLING))
        patches.enter_context(patch.object(roofline, "IMAGES", FEW))
        patches.enter_context(patch.object(roofline, "pace", lambda: 1.0))
        yield


def _small_clip_of_a_gpu(name: str, *_: str) -> nn.Module:
    module: nn.Module = small_clip(name).to("meta", torch.bfloat16)
    return module
