"""The plain ways: each gives what the shipped one gives, and its loss is counted."""

from typing import Any

import numpy as np
import pytest
import torch

from tests.benchmarks import techniques
from tests.benchmarks.cards import CARDS
from tests.benchmarks.cascade_models import fixed_length_tokens
from tests.benchmarks.plain_ways import AS_BUILT, AS_RUN, pool_only
from tests.benchmarks.small_models import small_clip, small_prediction
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import Captions, ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.cascade import Cascade
from workers.cascade.clip.inference import prepare_for_inference
from workers.cascade.clip.pooling import PoolFour

IMAGES = 3

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def cascade() -> Cascade:
    """The steps are those that a GPU captures."""
    own = toy_cascade("cpu", lanes=16)
    assert isinstance(own.captioner, BlipCaptioner)
    own.captioner.captures = True
    return own


@pytest.fixture(scope="module")
def inputs(cascade: Cascade) -> list[ModelInputs]:
    return toy_inputs(cascade, IMAGES)


@pytest.fixture(scope="module")
def shipped(cascade: Cascade, inputs: list[ModelInputs]) -> list[Captions]:
    return cascade.caption(inputs, range(IMAGES))


@pytest.mark.parametrize("name", AS_RUN)
def test_a_plain_way_writes_the_same_captions(
    name: str, cascade: Cascade, inputs: list[ModelInputs], shipped: list[Captions]
) -> None:
    cascade.captioner.release()
    with AS_RUN[name]():
        found = cascade.caption(inputs, range(IMAGES))
    cascade.captioner.release()
    assert [(own.candidates, own.top) for own in found] == [(own.candidates, own.top) for own in shipped]


@pytest.mark.parametrize("architecture", ["ViT-L-14", "RN50x64"])
@pytest.mark.parametrize("name", AS_BUILT)
@torch.inference_mode()
def test_models_built_in_a_plain_way_have_the_same_features(name: str, architecture: str) -> None:
    plain, built = small_clip(architecture), small_clip(architecture)
    with AS_BUILT[name]():
        prepare_for_inference(built, torch.float32)
    pixels = torch.randn(2, 3, *np.broadcast_to(plain.visual.image_size, 2).tolist())
    torch.testing.assert_close(built.encode_image(pixels), plain.encode_image(pixels), rtol=1e-3, atol=1e-4)
    tokens = fixed_length_tokens(["a dog", "two cats"])
    torch.testing.assert_close(built.encode_text(tokens), plain.encode_text(tokens), rtol=1e-3, atol=1e-4)


@torch.inference_mode()
def test_pooling_is_shipped_where_convolutions_are_plain() -> None:
    """A stage that halves nothing pools one pixel: that is left alone."""
    tower = small_clip("RN50x64").visual
    pixels = torch.randn(2, 3, 64, 64)
    expected = tower(pixels)
    torch.testing.assert_close(pool_only(tower)(pixels), expected)
    assert sum(isinstance(module, PoolFour) for module in tower.modules()) == 7


def figures(device_ms: float, host_ms: float) -> dict[str, Any]:
    rate = round(64_000 / (device_ms + host_ms), 1)
    return {
        "kernels": round(10 * device_ms),
        "host_ms": host_ms,
        "host_work_ms": 5 * host_ms,
        "cache_mb_per_image": 38.0,
        "device_ms": dict.fromkeys(CARDS, device_ms),
        "images_per_second": dict.fromkeys(CARDS, rate),
    }


def test_losses_are_told_with_the_dearest_first() -> None:
    shipped = figures(198, 2)
    without = {"cheap": figures(200, 2.5), "dear": figures(316, 4)}
    lost = {name: techniques.lose(shipped, found) for name, found in without.items()}
    assert lost["dear"]["device_ms"]["H200"] == 118
    assert lost["dear"]["images_per_second"]["T4"] == 120
    assert (lost["dear"]["host_ms"], lost["dear"]["host_work_ms"]) == (2, 10)
    lines = techniques.table({"lost": lost}).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| dear", "| cheap"]
    assert "| +118.0 | +2.0 (+10.0) | -120.0 |" in lines[2]


@pytest.mark.soak
@pytest.mark.parametrize("name", techniques.WAYS)
def test_a_plain_way_is_counted(name: str) -> None:
    """On small models of a GPU; that it costs more is told of full size alone."""
    with small_prediction():
        found = techniques.measure([name])
    assert set(found["lost"]) == {name}
    assert found["without"][name]["device_ms"]["T4"] > 0
