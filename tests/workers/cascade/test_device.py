"""Reduced precision: when it is chosen, and what it changes."""

import shutil
from functools import cache
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from tests.logs import log_lines
from workers.captions import Captions
from workers.cascade import assemble
from workers.cascade.assemble import load_cascade
from workers.cascade.clip import load_clip as load_clip_module
from workers.cascade.clip.load_clip import is_float16, load_judge
from workers.cascade.device import choose_clip_dtypes, choose_device, choose_dtype
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

WEIGHTS = "open_clip_model.safetensors"
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


@pytest.mark.parametrize(
    ("supported", "is_native", "dtypes"),
    [
        (True, True, (torch.float16, torch.bfloat16)),
        (True, False, (torch.bfloat16,)),
        (False, True, (torch.float16, torch.float32)),
        (False, False, (torch.float16, torch.float32)),
    ],
)
def test_a_clip_runs_in_float16_where_it_is_native_or_all_there_is(
    monkeypatch: pytest.MonkeyPatch, supported: bool, is_native: bool, dtypes: tuple[torch.dtype, ...]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: supported)
    assert choose_clip_dtypes("auto", torch.device("cuda"), is_native=is_native) == dtypes
    assert choose_clip_dtypes("bfloat16", torch.device("cuda"), is_native=is_native) == (torch.bfloat16,)
    assert choose_clip_dtypes("auto", CPU, is_native=is_native) == (torch.float32,)


@pytest.mark.models
def test_weights_say_whether_they_were_published_in_float16(tmp_path: Path) -> None:
    ranker = resolve_model("toy/ranker")
    assert is_float16(ranker)
    other = Path(shutil.copytree(ranker, tmp_path / "other"))
    weights = {name: values.float() for name, values in load_file(other / WEIGHTS).items()}
    save_file(weights, other / WEIGHTS)
    assert not is_float16(other)
    shutil.copytree(other, tmp_path / "toy.openai")  # converted since
    assert is_float16(tmp_path / "toy.openai")


@pytest.mark.models
def test_a_clip_that_outgrows_float16_runs_in_the_next_precision(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(resolve_model("toy/ranker"), tmp_path / "ranker"))
    weights = load_file(folder / WEIGHTS)
    (first,) = (name for name in weights if name == "visual.conv1.weight")
    both = (torch.float16, torch.bfloat16)
    with log_lines(load_clip_module) as logs:
        assert load_judge(folder, CPU, both).dtype == torch.float16
        assert logs == []
        save_file({**weights, first: weights[first].float() * 1e6}, folder / WEIGHTS)
        clip = load_judge(folder, CPU, both)
    assert clip.dtype == torch.bfloat16
    assert clip.is_finite()
    assert [(line["model"], line["hint"]) for line in logs] == [
        (str(folder), "its features outgrow torch.float16; it runs in torch.bfloat16")
    ]


@pytest.mark.models
def test_a_cascade_names_the_precision_of_each_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a GPU has it: the judges in another than the captioner."""
    monkeypatch.setattr(assemble, "choose_clip_dtypes", lambda *_, **__: (torch.bfloat16,))
    preset = PRESETS["toy"]
    captioner, ranker, selector = map(resolve_model, (preset.captioner, preset.ranker, preset.selector))
    cascade = load_cascade(captioner, ranker, selector, SamplingSettings(**preset.sampling), "cpu")
    assert cascade.dtype == "float32"
    assert cascade.dtypes == {"ranker": "bfloat16", "selector": "bfloat16"}


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
