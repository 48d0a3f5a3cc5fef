"""What the card can do at best."""

import torch

from tests.gpu.report import Report
from tests.gpu.timing import median_seconds

SIDE = 8192
COPIED = 1 << 30


def check(device: torch.device, report: Report) -> None:
    block = torch.empty(COPIED, dtype=torch.uint8, device=device)
    target = torch.empty_like(block)
    spent = median_seconds(lambda: target.copy_(block), device)
    report.note("copy_tb_per_second", round(2 * COPIED / spent / 1e12, 2))
    for dtype in (torch.bfloat16, torch.float16):
        left = torch.randn(SIDE, SIDE, device=device, dtype=dtype)
        right = torch.randn_like(left)
        spent = median_seconds(lambda left=left, right=right: left @ right, device)  # type: ignore[misc]
        report.note(f"{dtype}_tflops".removeprefix("torch."), round(2 * SIDE**3 / spent / 1e12, 1))
    pinned = torch.empty(COPIED, dtype=torch.uint8, pin_memory=True)
    spent = median_seconds(lambda: block.copy_(pinned, non_blocking=True), device)
    report.note("pinned_gb_per_second", round(COPIED / spent / 1e9, 1))
