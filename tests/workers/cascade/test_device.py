"""Reduced precision: when it is chosen, and what it changes."""

from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from workers.captions import Captions
from workers.cascade import load_cascade
from workers.cascade.device import choose_device, choose_dtype
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

CPU = torch.device("cpu")
IMAGES = {"float32": 100, "bfloat16": 100, "float16": 35}  # a CPU is slow in the last


def test_a_cpu_is_exact_unless_asked() -> None:
    assert choose_dtype("auto", CPU) == torch.float32
    assert choose_dtype("bfloat16", CPU) == torch.bfloat16


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_uses_what_it_supports(
    monkeypatch: pytest.MonkeyPatch, supported: bool, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: supported)
    assert choose_dtype("auto", torch.device("cuda")) == dtype


def test_a_named_precision_is_taken() -> None:
    assert choose_dtype("float16", CPU) == torch.float16
    assert choose_device("cpu") == CPU


@cache
def captions(dtype: str) -> list[Captions]:
    preset = PRESETS["toy"]
    captioner, ranker, selector = map(resolve_model, (preset.captioner, preset.ranker, preset.selector))
    sampling = SamplingSettings(**preset.sampling)
    cascade = load_cascade(captioner, ranker, selector, sampling, "cpu", dtype=dtype)
    assert cascade.dtype == dtype
    drawn = islice(draw_scenes(UNSEEN, 6, SIDES), IMAGES[dtype])
    inputs = [cascade.prepare(np.asarray(image)) for _, image in drawn]
    return cascade.caption(inputs, range(len(inputs)))


@pytest.mark.models
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_reduced_precision_agrees_on_nearly_all_top_captions(dtype: str) -> None:
    pairs = zip(captions("float32"), captions(dtype), strict=False)
    assert sum(one.top == other.top for one, other in pairs) / IMAGES[dtype] >= 0.97
