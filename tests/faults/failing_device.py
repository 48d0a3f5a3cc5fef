"""The real app with models whose device fails in passes: `celery -A tests.faults.failing_device`.

FAILING_DEVICE is `memory`: not one image fits; or `lost`: the first pass of a process is its only one.
"""

import os
from collections.abc import Sequence

import torch

import workers.delivery.attempt
from common.settings import Settings
from workers.captions import Captioning, Captions, ModelInputs
from workers.celery import app
from workers.models.fake import FakeCascade


class Failing(FakeCascade):
    """Raises what torch raises."""

    passes = 0

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        if os.environ["FAILING_DEVICE"] == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        self.passes += 1
        if self.passes > 1:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with `X`")
        return super().caption(inputs, keys)


made: list[Captioning] = []


def _load(settings: Settings) -> Captioning:
    if not made:
        made.append(Failing(settings.sampling))
    return made[0]


workers.delivery.attempt.load_models = _load  # type: ignore[attr-defined]
app.conf.imports = ("workers.celery", "tests.faults.failing_device")  # what a child imports
