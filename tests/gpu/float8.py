"""8-bit products: what they cost the toy models; on a card without them, that they are refused in a line."""

import torch

from tests.gpu.report import Report
from tests.gpu.rounding_loss import rounding_loss
from tests.gpu.toys import toy_cascade, toy_inputs
from workers.cascade.assemble import round_towers
from workers.cascade.float8 import require_float8
from workers.device.errors import DeviceError

IMAGES = {"cuda": 64, "cpu": 4}
LEAST_COSINE = 0.98


def check_float8(device: torch.device, report: Report) -> None:
    """Cosines are asserted; how many top captions change is told."""
    try:
        require_float8(device)
    except DeviceError as error:
        report.note("float8_refused", str(error))
        if device.type == "cuda":
            return
    dtype = "bfloat16" if device.type == "cuda" else "float32"
    exact = toy_cascade(str(device), dtype)
    rounded = round_towers(toy_cascade(str(device), dtype))
    report.note("float8_dtypes", dict(rounded.dtypes))
    for name, value in rounding_loss(exact, rounded, toy_inputs(exact, IMAGES[device.type])).items():
        if name != "changed_tops":
            report.require(f"float8_{name}", round(value, 5), is_good=value >= LEAST_COSINE,
                           rule=f"it has to be at least {LEAST_COSINE}")  # fmt: skip
        else:
            report.note(f"float8_{name}", round(value, 3))
