"""The toy cascade in three precisions beside the CPU's, the same pass twice, and 8-bit products."""

import torch

from tests.gpu.float8 import check_float8
from tests.gpu.report import Report
from tests.gpu.toys import toy_cascade, toy_inputs

IMAGES = {"cuda": 200, "cpu": 4}
LEAST = {"float32": 0.99, "bfloat16": 0.97, "float16": 0.97}


def check(device: torch.device, report: Report) -> None:
    count = IMAGES[device.type]
    exact = toy_cascade("cpu")
    inputs = toy_inputs(exact, count)
    expected = exact.caption(inputs, range(count))
    precisions = LEAST if device.type == "cuda" else {"float32": 1.0}
    for dtype, least in precisions.items():
        cascade = toy_cascade(str(device), dtype)
        found = cascade.caption(inputs, range(count))
        share = sum(a.top == b.top for a, b in zip(found, expected, strict=True)) / count
        report.require(f"tops_equal_{dtype}", share, is_good=share >= least, rule=f"at least {least}")
        again = cascade.caption(inputs, range(count)) == found
        report.require(f"twice_equal_{dtype}", again, is_good=again, rule="the same pass twice is identical")
    check_float8(device, report)
