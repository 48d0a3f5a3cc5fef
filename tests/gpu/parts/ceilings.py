"""What the card can do at best."""

import torch

from tests.gpu.report import Report
from tests.gpu.timing import median_seconds

SIDE = {"cuda": 8192, "cpu": 64}
COPIED = {"cuda": 1 << 30, "cpu": 1 << 20}


def check(device: torch.device, report: Report) -> None:
    side, copied = SIDE[device.type], COPIED[device.type]
    block = torch.empty(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(block)
    spent = median_seconds(lambda: target.copy_(block), device)
    report.note("copy_tb_per_second", round(2 * copied / spent / 1e12, 2))
    for dtype in (torch.bfloat16, torch.float16):
        left = torch.randn(side, side, device=device, dtype=dtype)
        right = torch.randn_like(left)
        spent = median_seconds(lambda left=left, right=right: left @ right, device)  # type: ignore[misc]
        report.note(f"{dtype}_tflops".removeprefix("torch."), round(2 * side**3 / spent / 1e12, 1))
    pinned = torch.empty(copied, dtype=torch.uint8, pin_memory=device.type == "cuda")
    spent = median_seconds(lambda: block.copy_(pinned, non_blocking=True), device)
    report.note("pinned_gb_per_second", round(copied / spent / 1e9, 1))
