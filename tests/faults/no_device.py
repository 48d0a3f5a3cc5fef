"""The real app with models that ask for a GPU where there is none: `celery -A tests.faults.no_device`."""

import torch

import workers.delivery.attempt
from common.settings import Settings
from workers.captions import Captioning
from workers.celery import app


def _load_on_gpu(_: Settings) -> Captioning:
    torch.zeros(1, device="cuda")
    raise AssertionError("there is a GPU here")


workers.delivery.attempt.load_models = _load_on_gpu  # type: ignore[attr-defined,assignment]
app.conf.imports = ("workers.celery", "tests.faults.no_device")  # what a child imports
