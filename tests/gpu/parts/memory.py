"""Memory comes back; running out of it halves the pass, and is an error of ours at one image."""

from collections.abc import Sequence
from unittest.mock import patch

import torch

from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import Captions
from workers.cascade import Cascade
from workers.device.errors import DeviceMemoryError, find_device_error

RELEASES = 20
IMAGES = 4
GROWTH = 64 << 20


def check(device: torch.device, report: Report) -> None:
    cascade = toy_cascade(str(device), lanes=8)
    inputs = toy_inputs(cascade, IMAGES)
    expected = cascade.caption(inputs, range(IMAGES))
    if device.type == "cuda":
        _check_growth(cascade, inputs, report)
    for room in (3, 1):
        found = _caption_with_room_for(room, cascade, inputs)
        same = [one.top for one in found] == [one.top for one in expected]
        report.require(f"captions_with_room_for_{room}", same, is_good=same, rule="they have to be the same")
    error = _error_without_room(cascade, inputs)
    report.require("error_without_room", type(error).__name__, is_good=isinstance(error, DeviceMemoryError),
                   rule="one image too much is an error of ours")  # fmt: skip


def _check_growth(cascade: Cascade, inputs: Sequence[object], report: Report) -> None:
    before = torch.cuda.memory_reserved()
    for _ in range(RELEASES):
        cascade.captioner.release()
        cascade.caption(inputs, range(IMAGES))  # type: ignore[arg-type]
    torch.cuda.empty_cache()
    growth = torch.cuda.memory_reserved() - before
    report.require("growth_mb", growth >> 20, is_good=growth < GROWTH, rule="below 64 after 20 captures")


def _caption_with_room_for(room: int, cascade: Cascade, inputs: Sequence[object]) -> list[Captions]:
    """As on a card with so little memory: the captioner fails as CUDA does."""
    sample = cascade.captioner.sample

    def narrow(images: Sequence[object], *arguments: object) -> object:
        if len(images) > room:
            raise RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
        return sample(images, *arguments)  # type: ignore[arg-type]

    cascade.passes.size = None
    with patch.object(cascade.captioner, "sample", narrow):
        found = cascade.caption(inputs, range(IMAGES))  # type: ignore[arg-type]
    cascade.passes.size = None
    return found


def _error_without_room(cascade: Cascade, inputs: Sequence[object]) -> BaseException | None:
    try:
        _caption_with_room_for(0, cascade, inputs)
    except RuntimeError as error:
        return find_device_error(error)
    return None
