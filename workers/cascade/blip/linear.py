"""Linear layers for the few rows of a decode step."""

from typing import Final

import torch
from torch import Tensor, nn

FEW: Final = 128  # up to so many rows a CPU is faster with the weights as left factor: by a third at 40


class Linear(nn.Linear):
    """Layers of the same input, fused into one product."""

    def __init__(self, *layers: nn.Linear) -> None:
        super().__init__(layers[0].in_features, sum(layer.out_features for layer in layers), device="meta")
        self.weight = _concatenate([layer.weight for layer in layers])
        self.bias = _concatenate([layer.bias for layer in layers])

    def forward(self, rows: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]; with few rows on a CPU the result is a transposed view."""
        flat = rows.flatten(0, -2)
        if flat.device.type != "cpu" or len(flat) > FEW:
            return super().forward(rows)
        product = torch.addmm(self.bias[:, None], self.weight, flat.t().contiguous())  # [outputs, rows]
        return product.t().view(*rows.shape[:-1], -1)


def _concatenate(parts: list[Tensor]) -> nn.Parameter:
    whole = parts[0] if len(parts) == 1 else torch.cat(parts)
    return nn.Parameter(whole.detach(), requires_grad=False)
