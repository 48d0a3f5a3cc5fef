"""Captured steps against the same steps launched one by one, and against steps without padding."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from unittest.mock import patch

import torch

from tests.gpu.forced import forced_logits
from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.captions import ModelInputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.cuda_graph import GraphPool

IMAGES = {"cuda": 64, "cpu": 12}
SHAPES = {"cuda": ((1, 8), (8, 40), (50, 40)), "cpu": ((2, 8),)}
"""Images and lanes of which logits are compared."""
PRECISIONS = {"cuda": ("float32", "bfloat16"), "cpu": ("float32",)}
SAME_AS_EXACT = {"float32": 0.99, "bfloat16": 0.7}
"""Share of all captions: other shapes are other kernels, which round otherwise."""


def check(device: torch.device, report: Report) -> None:
    for dtype in PRECISIONS[device.type]:
        cascade = toy_cascade(str(device), dtype, lanes=40)
        captioner = cascade.captioner
        assert isinstance(captioner, BlipCaptioner)
        inputs = toy_inputs(cascade, IMAGES[device.type])
        _check_captions(captioner, inputs, dtype, report)
        _check_logits(captioner, inputs, SHAPES[device.type], f"logits_{dtype}", report)


def _check_captions(
    captioner: BlipCaptioner, inputs: Sequence[ModelInputs], dtype: str, report: Report
) -> None:
    """Whole captions, drawn within the captured step."""
    captured = _captions(captioner, inputs, captures=True)
    with _uncaptured():
        eager = _captions(captioner, inputs, captures=True)
    report.require(f"captions_{dtype}_captured", captured == eager, is_good=captured == eager,
                   rule="a captured step gives the captions of the same step uncaptured")  # fmt: skip
    exact = _captions(captioner, inputs, captures=False)
    share = sum(a == b for a, b in zip(captured, exact, strict=True)) / len(exact)
    report.require(f"captions_{dtype}_unpadded", round(share, 4), is_good=share >= SAME_AS_EXACT[dtype],
                   rule=f"at least {SAME_AS_EXACT[dtype]} of those without padding")  # fmt: skip


def _check_logits(
    captioner: BlipCaptioner,
    inputs: Sequence[ModelInputs],
    shapes: Sequence[tuple[int, int]],
    name: str,
    report: Report,
) -> None:
    for images, lanes in shapes:
        captioner.captures = True
        captured = forced_logits(captioner, inputs, images, lanes)
        captioner.release()
        with _uncaptured():
            eager = forced_logits(captioner, inputs, images, lanes)
        captioner.release()
        same = all(torch.equal(a, b) for a, b in zip(captured, eager, strict=True))
        report.require(f"{name}_{images * lanes}_equal", same, is_good=same, rule="equal bit for bit")


def _captions(captioner: BlipCaptioner, inputs: Sequence[ModelInputs], *, captures: bool) -> list[str]:
    """Of all lanes of all images."""
    captioner.captures = captures
    captioner.release()
    found = captioner.sample([each.captioner for each in inputs], range(len(inputs)))
    captioner.release()
    return [caption for own in found for caption in own]


@contextmanager
def _uncaptured() -> Iterator[None]:
    """Steps run kernel by kernel over the buffers of a captured one."""
    with patch.object(GraphPool, "capture", lambda _, step: step):
        yield
