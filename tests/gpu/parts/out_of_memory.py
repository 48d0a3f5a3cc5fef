"""Memory runs out, in a library, in a capture, for real: passes halve; one image is an error of ours."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import torch

from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import Captions
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.steps import GraphStep
from workers.cascade.cascade import Cascade
from workers.device.errors import DeviceMemoryError, find_device_error

IMAGES = {"cuda": 32, "cpu": 4}
TOO_MUCH = 1 << 50  # bytes
LIBRARY = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"


class Tight:
    """The cascade while memory is short."""

    def __init__(self, device: torch.device) -> None:
        self.cascade = toy_cascade(str(device))
        assert isinstance(self.cascade.captioner, BlipCaptioner)
        self.captioner = self.cascade.captioner
        self.captioner.captures = True
        self.inputs = toy_inputs(self.cascade, IMAGES[device.type])

    def caption(self) -> list[Captions]:
        """From the beginning: nothing is kept, and no pass has been too large."""
        _forget(self.cascade)
        return self.cascade.caption(self.inputs, range(len(self.inputs)))

    def find_error(self) -> BaseException | None:
        """What the worker makes of it."""
        try:
            self.caption()
        except RuntimeError as error:
            return find_device_error(error)
        return None


def check(device: torch.device, report: Report) -> None:
    tight = Tight(device)
    expected = tight.caption()
    half = len(expected) // 2
    for name, within in (("library", _full_library), ("capture", _full_capture)):
        with within(tight.captioner, half):
            _require_same(tight, expected, name, report)
        with within(tight.captioner, 0):
            _require_error(tight, name, report)
        _require_same(tight, expected, f"after_{name}", report)
    if device.type == "cuda":
        _check_full_card(tight, expected, device, report)


def _check_full_card(tight: Tight, expected: list[Captions], device: torch.device, report: Report) -> None:
    """The allocator may take no more than a share of what a whole pass takes."""
    _forget(tight.cascade)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    idle = torch.cuda.memory_reserved()
    tight.caption()
    needed = torch.cuda.max_memory_reserved() - idle
    report.note("pass_mb", needed >> 20)
    with _limited(idle + needed // 3, device, tight.cascade):
        _require_same(tight, expected, "card", report)
        size = tight.cascade.passes.size
        report.require("card_images_per_pass", size, is_good=bool(size), rule="passes have to be smaller")
    with _limited(idle, device, tight.cascade):
        _require_error(tight, "card", report)
    _require_same(tight, expected, "after_card", report)


def _require_same(tight: Tight, expected: list[Captions], name: str, report: Report) -> None:
    same = [one.top for one in tight.caption()] == [one.top for one in expected]
    report.require(f"captions_{name}", same, is_good=same, rule="they have to be the same")


def _require_error(tight: Tight, name: str, report: Report) -> None:
    error = tight.find_error()
    report.require(f"error_{name}", type(error).__name__, is_good=isinstance(error, DeviceMemoryError),
                   rule="one image too much is an error of ours")  # fmt: skip


@contextmanager
def _full_library(captioner: BlipCaptioner, room: int) -> Iterator[None]:
    """A library of CUDA finds no memory for more than `room` images, and says so in its own way."""
    sample = captioner.sample

    def narrow(images: Sequence[object], *arguments: object) -> object:
        if len(images) > room:
            raise RuntimeError(LIBRARY)
        return sample(images, *arguments)  # type: ignore[arg-type]

    with patch.object(captioner, "sample", narrow):
        yield


@contextmanager
def _full_capture(captioner: BlipCaptioner, room: int) -> Iterator[None]:
    """A step of more than `room` images asks for too much; on a GPU, while it is captured."""
    step = GraphStep._step

    def greedy(self: GraphStep, size: int, images: int) -> torch.Tensor:
        if images > room:
            _take_too_much(captioner.device)
        return step(self, size, images)

    with patch.object(GraphStep, "_step", greedy):
        yield


def _take_too_much(device: torch.device) -> None:
    if device.type == "cpu":
        raise torch.OutOfMemoryError("CUDA out of memory.")
    if torch.cuda.is_current_stream_capturing():
        torch.empty(TOO_MUCH, dtype=torch.uint8, device=device)


@contextmanager
def _limited(allowed: int, device: torch.device, cascade: Cascade) -> Iterator[None]:
    _forget(cascade)
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(device).total_memory
    torch.cuda.set_per_process_memory_fraction(allowed / total, device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def _forget(cascade: Cascade) -> None:
    cascade.captioner.release()
    cascade.passes.size = None
