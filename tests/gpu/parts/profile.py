"""Kernels of one pass at full size: how many, how long, which attention; how busy the card is meanwhile."""

import time
from collections import Counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from tests.benchmarks import cascade as bench
from tests.benchmarks import cascade_truthful as truthful
from tests.gpu.report import Report
from tests.gpu.timing import wait

IMAGES = 64
BUSY = 0.9
SHOWN = 15


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    with torch.device(device):
        plain = truthful.build(bench.models(device, torch.bfloat16))
    cascade = truthful.ours(plain)
    inputs = [cascade.prepare(image) for image in bench.pictures(IMAGES)]
    for _ in range(3):
        cascade.caption(inputs, range(IMAGES))
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        wait(device)
        began = time.perf_counter()
        cascade.caption(inputs, range(IMAGES))
        wait(device)
        spent = time.perf_counter() - began
    kernels = [event for event in found.events() or [] if event.device_type.name == "CUDA"]
    busy = sum(event.device_time for event in kernels) / 1e6
    report.note("pass_ms", round(spent * 1e3, 1))
    report.note("kernels", len(kernels))
    report.note("longest_ms", _longest(kernels))
    report.note("attention", sorted({k.name[:80] for k in kernels if _is_attention(k.name)}))
    report.require(
        "busy_share", round(busy / spent, 3), is_good=busy / spent >= BUSY, rule=f"at least {BUSY}"
    )


def _longest(kernels: list[Any]) -> dict[str, float]:
    spent: Counter[str] = Counter()
    for kernel in kernels:
        spent[kernel.name[:80]] += kernel.device_time / 1e3
    return {name: round(ms, 2) for name, ms in spent.most_common(SHOWN)}


def _is_attention(name: str) -> bool:
    return any(word in name.lower() for word in ("flash", "fmha", "attention", "sdpa"))
