"""The prediction on models that are small enough for a test: all is counted, what is added is seen."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.benchmarks import roofline, watching
from tests.benchmarks.cards import CARDS, MEASURED_MS, Card
from tests.benchmarks.kernels import Kernel, Kernels, Kind
from tests.benchmarks.small_models import FEW, small_prediction
from tests.benchmarks.timeline import LAUNCH_US, Timeline
from workers.cascade.blip.text_decoder import Layer

META = torch.device("meta")


@pytest.fixture
def small() -> Iterator[None]:
    with small_prediction():
        yield


@pytest.mark.models
@pytest.mark.usefixtures("small")
def test_a_product_that_is_added_is_counted_and_costs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    before = roofline.predict(in_a_row=False)
    attend = Layer._attend_self

    def slower(self: Layer, hidden: Tensor, *rest: Any) -> Tensor:
        weight = hidden.new_empty(hidden.shape[-1], 10_000)
        nn.functional.linear(nn.functional.linear(hidden, weight.T), weight)
        return attend(self, hidden, *rest)

    monkeypatch.setattr(Layer, "_attend_self", slower)
    after = roofline.predict(in_a_row=False)
    assert after["tflop"] > before["tflop"]
    assert all(after["device_ms"][name] > before["device_ms"][name] for name in CARDS)
    assert after["stages"]["decoder"]["kernels"] > before["stages"]["decoder"]["kernels"]
    for figures in (before, after):
        for name in CARDS:
            whole = figures["device_ms"][name] + figures["host_ms"]
            assert figures["images_per_second"][name] == pytest.approx(1e3 * FEW / whole, rel=0.02)


@pytest.mark.models
@pytest.mark.usefixtures("small")
def test_a_pass_that_is_announced_works_behind_the_one_before() -> None:
    """Kernels are the same ones; the captioner's images are encoded before their pass begins."""
    cascade, images = roofline.build(), roofline.inputs()
    alone, together = roofline.count(cascade, images), Kernels()
    with watching.device_calls(together.call), together:
        begun = [len(together.calls) for _ in roofline.caption_in_a_row(cascade, images)]
    first = [stage for stage, _ in together.calls[: begun[0]]]
    assert first.count("images to the device") > [stage for stage, _ in alone.calls].count(
        "images to the device"
    )
    own, others = (sum(found.table()["captioner's images"].values()) for found in (alone, together))
    assert others == (len(begun) + 1) * own


def test_the_ceilings_give_what_was_measured() -> None:
    assert roofline.calibration()["predicted_ms"] == pytest.approx(MEASURED_MS, rel=0.15)


def test_kernels_of_calls_made_of_others_are_counted() -> None:
    left, right = torch.empty(6, 7, 4, 5, device=META), torch.empty(8, 5, device=META)
    kernels = Kernels()
    with torch.inference_mode(), kernels, kernels.call("product"):
        nn.functional.linear(left, right).relu_().view(-1)
    with kernels:
        nn.functional.scaled_dot_product_attention(left, left, left)
    table = kernels.table()
    products = [kernel for kernel in table["product"] if kernel.kind is Kind.PRODUCT]
    assert sum(kernel.flop for kernel in products) == 2 * left.numel() * 8
    assert sum(table["product"].values()) == 2
    assert [(kernel.kind, kernel.flop) for kernel in table["between"]] == [
        (Kind.ATTENTION, 4 * 6 * 7 * 4 * 4 * 5)
    ]


def test_a_kernel_takes_the_longest_of_three_times() -> None:
    card = Card(tflop=1, terabytes=1, copy_gigabytes=1, kernel_us=5)
    long = Kernel(Kind.REST, 0, 850_000_000)
    assert card.milliseconds({long: 2}) == pytest.approx(2)
    assert card.milliseconds({Kernel(Kind.REST, 0, 1): 1}) == pytest.approx(0.005)
    assert card.milliseconds({Kernel(Kind.CONVOLUTION, 850_000_000, 1): 1}) == pytest.approx(1)
    assert card.milliseconds({Kernel(Kind.COPY_IN, 0, 1_000_000): 1}) == pytest.approx(1)


def test_the_device_waits_only_where_the_host_is_late() -> None:
    seconds = iter([0.0, 0.010, 0.010, 0.012, 0.012, 0.030])
    timeline = Timeline(1.0, clock=lambda: next(seconds))
    timeline.launch(5, 0)  # at 10 ms
    with timeline.spent(by_host=True):
        pass  # 2 ms, while the device is busy
    timeline.launch(1, 0)
    assert timeline.idle == pytest.approx(10)
    timeline.finish()
    assert timeline.idle == pytest.approx(10 + 14)  # from 16 to 30 ms
    assert LAUNCH_US > 0
