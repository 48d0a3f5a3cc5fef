"""Both CLIPs at full size: cosines in reduced precision against the CPU's in float32."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip import CLIP
from torch import Tensor, nn

from tests.benchmarks.cascade_models import clip
from tests.benchmarks.small_models import small_clip
from tests.gpu.report import Report

Cosines = NDArray[np.float32]

MODELS = ("ViT-L-14", "RN50x64")
IMAGES, TEXTS = 4, 16
BUILDERS: Mapping[str, Callable[..., CLIP]] = {"cuda": clip, "cpu": small_clip}
BOUND = {"cuda": 2e-3, "cpu": 0.02}  # small models round more


@torch.inference_mode()
def check(device: torch.device, report: Report) -> None:
    numbers, bound = torch.Generator().manual_seed(0), BOUND[device.type]
    for name in MODELS:
        with torch.device(device):
            model = BUILDERS[device.type](name)
        side = model.visual.image_size  # one number, or two
        pixels = torch.randn(IMAGES, 3, *np.broadcast_to(side, 2).tolist(), generator=numbers)
        tokens = torch.randint(1000, 49_000, (TEXTS, 77), generator=numbers)
        exact = _cosines(model.to("cpu").float(), pixels, tokens)
        for dtype in (torch.bfloat16, torch.float16):
            found = _cosines(model.to(device, dtype), pixels.to(device, dtype), tokens.to(device))
            error = float(np.abs(found - exact).max())
            report.require(f"{name}_{dtype}".replace("torch.", ""), round(error, 6), is_good=error < bound,
                           rule=f"the largest error of a cosine has to be below {bound}")  # fmt: skip


def _cosines(model: CLIP, pixels: Tensor, tokens: Tensor) -> Cosines:
    image = nn.functional.normalize(model.encode_image(pixels).float(), dim=-1)
    text = nn.functional.normalize(model.encode_text(tokens).float(), dim=-1)
    return (image @ text.T).cpu().numpy()
