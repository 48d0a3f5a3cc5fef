"""The device computes what the CPU computes: random numbers, draws by the rules, logits of forced tokens."""

import torch
from torch import Tensor

from common.settings import SamplingSettings
from tests.gpu.forced import forced_logits
from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.sampling.rules import draw, process_logits
from workers.cascade.sampling.uniform import uniform

CPU = torch.device("cpu")
DRAWS = 100_000
SHAPES = {"cuda": ((1, 8), (8, 40), (50, 40)), "cpu": ((1, 8),)}
"""Images and lanes: 8, 320 and 2,000 nodes."""
TOLERANCE = {"cuda": {"float32": 1e-3, "bfloat16": 2e-2}, "cpu": {"float32": 1e-6}}
"""Of logits, relative to the largest."""


def check(device: torch.device, report: Report) -> None:
    same = torch.equal(_uniforms(device).cpu(), _uniforms(CPU))
    report.require("uniforms_equal", same, is_good=same, rule="they have to be equal bit for bit")
    differ = int((_draws(device).cpu() != _draws(CPU)).sum())
    report.require("draws_that_differ", differ, is_good=differ <= DRAWS // 10_000, rule="at most 1 in 10,000")
    for images, lanes in SHAPES[device.type]:
        expected = _logits(CPU, "float32", images, lanes)
        scale = max(float(each.abs().max()) for each in expected)
        for dtype, bound in TOLERANCE[device.type].items():
            found = _logits(device, dtype, images, lanes)
            error = (
                max(float((a.cpu() - b).abs().max()) for a, b in zip(found, expected, strict=True)) / scale
            )
            report.require(f"logits_{dtype}_{images * lanes}", round(error, 6), is_good=error < bound,
                           rule=f"relative to the largest it has to be below {bound}")  # fmt: skip


def _uniforms(device: torch.device) -> Tensor:
    keys = torch.arange(1000, device=device)[:, None]
    return uniform(7, keys, torch.arange(40, device=device), torch.tensor(3, device=device))


def _draws(device: torch.device) -> Tensor:
    """By the original's rules, from logits that are spread as a model's are."""
    rows = 500
    numbers = torch.Generator().manual_seed(0)
    logits = torch.randn(rows, 30_524, generator=numbers) * 3
    tokens = torch.randint(0, 30_524, (rows, 6), generator=numbers)
    uniforms = torch.rand(rows, DRAWS // rows, generator=numbers, dtype=torch.float64)
    processed = process_logits(logits.to(device), tokens.to(device), 7, 102, SamplingSettings())
    return draw(processed, uniforms.to(device))


def _logits(device: torch.device, dtype: str, images: int, lanes: int) -> list[Tensor]:
    """Of each step, float32 [nodes, vocabulary], while every lane is told what it draws."""
    cascade = toy_cascade(str(device), dtype)
    assert isinstance(cascade.captioner, BlipCaptioner)
    return forced_logits(cascade.captioner, toy_inputs(cascade, min(images, 8)), images, lanes)
