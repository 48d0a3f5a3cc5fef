"""8-bit products: near the exact ones, refused where there are none, and their loss is measured."""

from pathlib import Path

import pytest
import torch
from torch import nn

from common.settings import SamplingSettings
from tests.gpu.rounding_loss import rounding_loss
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.cascade.assemble import load_cascade, round_towers
from workers.cascade.float8 import Float8Linear, require_float8, round_to_float8, use_float8
from workers.device.errors import DeviceError

IMAGES = 8


@pytest.mark.parametrize("magnitude", [1e-6, 1.0, 1e4])
@torch.inference_mode()
def test_a_product_is_near_the_exact_one(magnitude: float) -> None:
    """e4m3 has three bits of mantissa: a number errs by a sixteenth of itself at most."""
    torch.manual_seed(0)
    layer, rows = nn.Linear(64, 48), torch.randn(3, 7, 64) * magnitude
    exact, found = layer(rows) - layer.bias, Float8Linear(layer)(rows) - layer.bias
    assert found.shape == exact.shape
    error = float((found - exact).norm() / exact.norm())
    assert 1e-4 < error < 0.05


def test_a_row_has_a_scale_of_its_own() -> None:
    rows = torch.tensor([[1.0, -2.0], [1e5, 3e4], [0.0, 0.0]])
    values, scale = round_to_float8(rows)
    assert torch.allclose(values.float() * scale, rows, rtol=1 / 16)
    assert values.float().abs().amax(1).tolist() == [448, 448, 0]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@torch.inference_mode()
def test_what_is_not_finite_stays_so_and_reaches_no_other_row(value: float) -> None:
    rows = torch.ones(2, 16)
    rows[0, 3] = value
    first, second = Float8Linear(nn.Linear(16, 16))(rows)
    assert not first.isfinite().any()
    assert second.isfinite().all()


def test_layers_of_other_sizes_are_left_alone() -> None:
    layers = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 12))
    assert use_float8(layers) == 1
    assert isinstance(layers[0], Float8Linear)
    assert isinstance(layers[2], nn.Linear)


@pytest.mark.models
def test_its_loss_on_the_toy_models_is_measured() -> None:
    exact, rounded = toy_cascade("cpu", lanes=8), round_towers(toy_cascade("cpu", lanes=8))
    loss = rounding_loss(exact, rounded, toy_inputs(exact, IMAGES))
    assert rounded.dtypes["captioner"] == "float32, image tower float8_e4m3fn"
    for role in ("captioner", "ranker", "selector"):
        is_rounded = "float8" in rounded.dtypes[role]
        assert (0.9 < loss[f"{role}_cosine"] < 1 - 1e-6) == is_rounded
    assert 0 <= loss["changed_tops"] <= 0.5
    assert rounding_loss(exact, exact, toy_inputs(exact, 1))["changed_tops"] == 0


def test_a_cpu_refuses_in_one_line() -> None:
    with pytest.raises(DeviceError, match=r"^FLEET_FLOAT8=true needs a GPU.*FLEET_FLOAT8=false$"):
        require_float8(torch.device("cpu"))


@pytest.mark.parametrize(("capability", "is_refused"), [((7, 5), True), ((8, 6), True), ((8, 9), False)])
def test_a_card_without_them_refuses_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], is_refused: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some Card")
    if not is_refused:
        require_float8(torch.device("cuda", 0))
        return
    with pytest.raises(DeviceError) as raised:
        require_float8(torch.device("cuda", 0))
    assert str(raised.value).startswith("FLEET_FLOAT8=true: Some Card has no 8-bit products (capability ")
    assert "\n" not in str(raised.value)


def test_the_setting_is_asked_before_anything_is_loaded() -> None:
    nowhere = Path("nowhere")
    with pytest.raises(DeviceError, match="FLEET_FLOAT8"):
        load_cascade(nowhere, nowhere, nowhere, SamplingSettings(), "cpu", float8=True)
