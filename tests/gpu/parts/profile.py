"""A pass at full size: kernels, attention, how busy the card is; ms by stage, and what the aim leaves."""

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from tests.benchmarks import roofline
from tests.benchmarks.cards import CARDS
from tests.gpu.reference import AIM, beside
from tests.gpu.report import Report
from tests.gpu.stages import over_aim, time_stages
from tests.gpu.timing import wait
from tests.gpu.workload import build_cascade, captioner_of, prepare
from workers.captions import ModelInputs
from workers.cascade.cascade import Cascade

IMAGES = {"cuda": roofline.IMAGES, "cpu": 1}
WARM = {"cuda": 3, "cpu": 1}
"""Passes that capture steps and remember words."""
BUSY = 0.9
SHOWN = 15
PREDICTION = Path(roofline.__file__).parent / "results" / "roofline.json"


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    cascade = build_cascade(device)
    inputs = prepare(cascade, IMAGES[device.type])
    warm = WARM[device.type]
    captioner_of(cascade).write_ahead(len(inputs), warm + 2)
    for _ in range(warm):
        cascade.caption(inputs, range(len(inputs)))
    _profile(cascade, inputs, device, report)
    spent = time_stages(lambda: cascade.caption(inputs, range(len(inputs))), device)
    card = choose_card(torch.cuda.get_device_name(device) if device.type == "cuda" else "")
    predicted = predict_stages(card)
    device_ms, predicted_ms = sum(spent.values()), sum(predicted.values())
    aim = 1e3 * len(inputs) / AIM
    report.note("device_ms", round(device_ms, 1))
    report.note("predicted_ms", {card: round(predicted_ms, 1)})
    report.note("prediction_error", round(predicted_ms / device_ms - 1, 3))
    report.note("aim_ms", aim)
    report.note("stages", over_aim(spent, predicted, aim))


def choose_card(name: str) -> str:
    """Of the predicted ones that of a GPU's `name`; else the one whose ceilings were measured."""
    return next((card for card in CARDS if re.search(rf"\b{card}\b", name)), "H200")


def predict_stages(card: str) -> dict[str, float]:
    """Milliseconds by stage, of the committed prediction; draws run within the decoder's step."""
    stages = json.loads(PREDICTION.read_text(encoding="utf-8"))["stages"]
    found = {name: float(stage["device_ms"][card]) for name, stage in stages.items()}
    found["decoder"] += found.pop("draws", 0)
    return found


def _profile(cascade: Cascade, inputs: list[ModelInputs], device: torch.device, report: Report) -> None:
    activity = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
    with profile(activities=[activity]) as found:
        wait(device)
        began = time.perf_counter()
        cascade.caption(inputs, range(len(inputs)))
        wait(device)
        spent = time.perf_counter() - began
    kernels = [event for event in found.events() or [] if event.device_type.name == "CUDA"]
    busy = sum(event.device_time for event in kernels) / 1e6
    report.note("pass_ms", beside("pass_ms", round(spent * 1e3, 1)))
    report.note("kernels", beside("kernels", len(kernels)))
    report.note("longest_ms", _longest(kernels))
    report.note("attention", sorted({k.name[:80] for k in kernels if _is_attention(k.name)}))
    report.require("busy_share", beside("busy_share", round(busy / spent, 3)),
                   is_good=busy / spent >= BUSY or device.type == "cpu", rule=f"at least {BUSY}")  # fmt: skip


def _longest(kernels: list[Any]) -> dict[str, float]:
    spent: Counter[str] = Counter()
    for kernel in kernels:
        spent[kernel.name[:80]] += kernel.device_time / 1e3
    return {name: round(ms, 2) for name, ms in spent.most_common(SHOWN)}


def _is_attention(name: str) -> bool:
    return any(word in name.lower() for word in ("flash", "fmha", "attention", "sdpa"))
