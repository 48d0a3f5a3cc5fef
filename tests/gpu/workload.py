"""The truthful workload: models at full size on a GPU, small ones where the check is tried on a CPU."""

from contextlib import nullcontext

import torch

from tests.benchmarks import cascade as bench
from tests.benchmarks import cascade_truthful
from tests.benchmarks.cascade_truthful import TruthfulModels
from tests.benchmarks.small_models import small_sizes
from tests.benchmarks.truthful import Truthful
from tests.gpu.timing import median_seconds
from workers.captions import ModelInputs
from workers.cascade.cascade import Cascade
from workers.cascade.device import choose_dtype


def build_models(device: torch.device) -> TruthfulModels:
    """With random weights, made on the device: seconds instead of minutes."""
    with small_sizes() if device.type == "cpu" else nullcontext(), torch.device(device):
        return bench.build_truthful(device, choose_dtype("auto", device))


def build_cascade(device: torch.device) -> Cascade:
    """What the project makes of these models; the steps are those that a GPU captures."""
    cascade = cascade_truthful.ours(build_models(device))
    captioner_of(cascade).captures = True
    return cascade


def captioner_of(cascade: Cascade) -> Truthful:
    assert isinstance(cascade.captioner, Truthful)
    return cascade.captioner


def prepare(cascade: Cascade, count: int) -> list[ModelInputs]:
    return [cascade.prepare(image) for image in bench.draw_images(count)]


def pass_seconds(cascade: Cascade, inputs: list[ModelInputs], device: torch.device, *, times: int) -> float:
    """Median of a pass over `inputs`; other texts are written in each."""
    captioner_of(cascade).write_ahead(len(inputs), 3 + times)
    return median_seconds(lambda: cascade.caption(inputs, range(len(inputs))), device, times=times)
