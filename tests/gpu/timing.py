"""Clocks that wait for the device."""

import statistics
import time
from collections.abc import Callable

import torch


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(work: Callable[[], object], device: torch.device) -> float:
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began


def median_seconds(work: Callable[[], object], device: torch.device, *, times: int = 10) -> float:
    """After three runs that are not counted."""
    for _ in range(3):
        work()
    return statistics.median(seconds(work, device) for _ in range(times))
