"""Memory comes back: captures after releases take no more, and write the same."""

from collections.abc import Sequence

import torch

from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.cascade import Cascade

RELEASES = {"cuda": 20, "cpu": 3}
IMAGES = 4
GROWTH = 64 << 20


def check(device: torch.device, report: Report) -> None:
    cascade = toy_cascade(str(device), lanes=8)
    assert isinstance(cascade.captioner, BlipCaptioner)
    cascade.captioner.captures = True
    inputs = toy_inputs(cascade, IMAGES)
    expected = cascade.caption(inputs, range(IMAGES))
    before = _reserved(device)
    for _ in range(RELEASES[device.type]):
        same = _caption_again(cascade, inputs) == expected
        report.require("captions_after_release", same, is_good=same, rule="they have to be the same")
    growth = _reserved(device) - before
    report.require("growth_mb", growth >> 20, is_good=growth < GROWTH, rule="below 64 after all releases")


def _caption_again(cascade: Cascade, inputs: Sequence[ModelInputs]) -> object:
    cascade.captioner.release()
    return cascade.caption(inputs, range(IMAGES))


def _reserved(device: torch.device) -> int:
    """Bytes that the process keeps on the device; a CPU's are not counted."""
    if device.type != "cuda":
        return 0
    torch.cuda.empty_cache()
    return torch.cuda.memory_reserved()
