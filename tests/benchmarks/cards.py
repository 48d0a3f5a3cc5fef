"""What a card needs for counted kernels: a prediction from stated ceilings, no measurement.

A kernel takes the longest of three times: its operations at the card's rate, its bytes at the card's
bandwidth, and the least that a kernel takes behind another one. The rates of the H200 were measured
(8,192-wide products, copies); the shares that real shapes reach of them are fitted to version 0.1, whose
counts are in `results/roofline-0.1.json` and whose pass of 64 images kept the card busy for 377 ms. The other
cards have the makers' figures and the same shares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.benchmarks.kernels import Kernel, Kind, Table

MEASURED_MS: Final = 377  # version 0.1, H200, 64 images
COUNTS: Final = Path(__file__).parent / "results" / "roofline-0.1.json"

_OF_RATE: Final = {Kind.PRODUCT: 0.74, Kind.CONVOLUTION: 0.85, Kind.ATTENTION: 0.35}
_OF_BANDWIDTH: Final = {Kind.BIAS: 0.3, Kind.INDEX: 0.1, Kind.SELECTION: 0.07}
_USUAL_BANDWIDTH: Final = 0.85


@dataclass(frozen=True, slots=True)
class Card:
    """Ceilings of a GPU."""

    tflop: float  # a second, in half precision
    terabytes: float  # a second, of its memory
    copy_gigabytes: float  # a second, from pinned memory
    kernel_us: float  # the least that a small kernel takes within a graph

    def milliseconds(self, kernels: Mapping[Kernel, int]) -> float:
        """Time of all `kernels`, one after another."""
        return 1e3 * sum(self._seconds(kernel) * count for kernel, count in kernels.items())

    def _seconds(self, kernel: Kernel) -> float:
        if kernel.kind is Kind.COPY_IN:
            return kernel.bytes / (1e9 * self.copy_gigabytes)
        rate = 1e12 * self.tflop * _OF_RATE.get(kernel.kind, 1)
        bandwidth = 1e12 * self.terabytes * _OF_BANDWIDTH.get(kernel.kind, _USUAL_BANDWIDTH)
        return max(kernel.flop / rate, kernel.bytes / bandwidth, 1e-6 * self.kernel_us)


CARDS: Final = {
    "H200": Card(tflop=784, terabytes=4.24, copy_gigabytes=54.8, kernel_us=3.5),
    "A100": Card(tflop=312, terabytes=2.0, copy_gigabytes=25, kernel_us=4),
    "L4": Card(tflop=121, terabytes=0.3, copy_gigabytes=25, kernel_us=4),
    "T4": Card(tflop=65, terabytes=0.3, copy_gigabytes=12, kernel_us=5),
}


def read_table(path: Path = COUNTS) -> Table:
    """Counts of a file: of each stage its kernels as [kind, operations, bytes, how often]."""
    stages = json.loads(path.read_text(encoding="utf-8"))["stages"]
    return {
        stage: {Kernel(Kind(kind), flop, moved): count for kind, flop, moved, count in rows}
        for stage, rows in stages.items()
    }
