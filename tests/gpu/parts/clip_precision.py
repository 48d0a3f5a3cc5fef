"""Both CLIPs at full size: cosines in reduced precision against the CPU's in float32."""

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip import CLIP
from torch import Tensor, nn

from tests.benchmarks.cascade_models import clip
from tests.gpu.report import Report

Cosines = NDArray[np.float32]

SIDES = {"ViT-L-14": 224, "RN50x64": 448}
IMAGES, TEXTS = 4, 16
BOUND = 2e-3


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    numbers = torch.Generator().manual_seed(0)
    for name, side in SIDES.items():
        with torch.device(device):
            model = clip(name)
        pixels = torch.randn(IMAGES, 3, side, side, generator=numbers)
        tokens = torch.randint(1000, 49_000, (TEXTS, 77), generator=numbers)
        exact = _cosines(model.to("cpu").float(), pixels, tokens)
        for dtype in (torch.bfloat16, torch.float16):
            found = _cosines(model.to(device, dtype), pixels.to(device, dtype), tokens.to(device))
            error = float(np.abs(found - exact).max())
            report.require(f"{name}_{dtype}".replace("torch.", ""), round(error, 6), is_good=error < BOUND,
                           rule=f"the largest error of a cosine has to be below {BOUND}")  # fmt: skip


def _cosines(model: CLIP, pixels: Tensor, tokens: Tensor) -> Cosines:
    image = nn.functional.normalize(model.encode_image(pixels).float(), dim=-1)
    text = nn.functional.normalize(model.encode_text(tokens).float(), dim=-1)
    return (image @ text.T).cpu().numpy()
