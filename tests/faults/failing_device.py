"""The real app with models whose device fails in passes: `celery -A tests.faults.failing_device`.

FAILING_DEVICE is `memory`: not one image fits; or `lost`: the first pass of a process is its only one.
"""

import os
from collections.abc import Sequence

from tests.stand_in_models import with_models
from workers.captions import Captions, ModelInputs
from workers.models.fake import FakeCascade


class Failing(FakeCascade):
    """Raises what torch raises."""

    passes = 0

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        import torch  # noqa: PLC0415 - only a worker's child needs torch

        if os.environ["FAILING_DEVICE"] == "memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        self.passes += 1
        if self.passes > 1:
            raise torch.AcceleratorError("CUDA error: device-side assert triggered\nCompile with `X`")
        return super().caption(inputs, keys)


app = with_models(lambda settings: Failing(settings.sampling), __name__)
