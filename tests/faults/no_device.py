"""The real app with models that ask for a GPU where there is none: `celery -A tests.faults.no_device`."""

from common.settings import Settings
from tests.stand_in_models import with_models
from workers.captions import Captioning


def _load_on_gpu(_: Settings) -> Captioning:
    import torch  # noqa: PLC0415 - only a worker's child needs torch

    torch.zeros(1, device="cuda")
    raise AssertionError("there is a GPU here")


app = with_models(_load_on_gpu, __name__)
