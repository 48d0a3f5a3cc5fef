"""Products in 8-bit floating point: up to 1.6 times the rate of half precision, on cards that have them.

Source: Micikevicius et al. 2022, "FP8 formats for deep learning"; rows and outputs have scales of their own.
"""

from typing import Final

import torch
from torch import Tensor, nn

from workers.device.errors import DeviceError

FORMAT: Final = torch.float8_e4m3fn
FIRST: Final = (8, 9)  # capability of the first cards with such products
_LARGEST: Final = torch.finfo(FORMAT).max
_SMALLEST: Final = 1e-12  # scale of a row of zeros
_MULTIPLE: Final = 16  # of inputs and outputs, as the products want them


def require_float8(device: torch.device) -> None:
    """Raises DeviceError unless the device has 8-bit products, and torch those of rows with scales."""
    if device.type != "cuda":
        raise DeviceError(
            "FLEET_FLOAT8=true needs a GPU; a CPU has no 8-bit products: set FLEET_FLOAT8=false"
        )
    capability = torch.cuda.get_device_capability(device)
    if capability < FIRST or not hasattr(torch, "_scaled_mm"):
        raise DeviceError(
            f"FLEET_FLOAT8=true: {torch.cuda.get_device_name(device)} has no 8-bit products (capability"
            f" {capability[0]}.{capability[1]} of at least 8.9); set FLEET_FLOAT8=false"
        )


def round_to_float8(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [rows, width] in 8 bits, and the float32 scale [rows, 1] of each; what is not finite stays so."""
    scale = (rows.abs().amax(-1, keepdim=True).float() / _LARGEST).clamp_min(_SMALLEST)
    return (rows.float() / scale).to(FORMAT), scale


class Float8Linear(nn.Module):
    """A linear layer in 8 bits. A CPU computes the same rounded numbers in float32."""

    def __init__(self, source: nn.Linear) -> None:
        super().__init__()
        weight, scale = round_to_float8(source.weight.detach())  # [outputs, inputs], [outputs, 1]
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("scale", scale.t().contiguous(), persistent=False)
        self.bias = source.bias

    def forward(self, rows: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        values, scale = round_to_float8(rows.flatten(0, -2))
        return self._multiply(values, scale).to(rows.dtype).view(*rows.shape[:-1], -1)

    def _multiply(self, values: Tensor, scale: Tensor) -> Tensor:
        weight, own = self.get_buffer("weight").t(), self.get_buffer("scale")
        if values.device.type == "cpu":
            product = values.float() @ weight.float() * scale * own
            return product if self.bias is None else product + self.bias
        bias = None if self.bias is None else self.bias.to(torch.bfloat16)
        return torch._scaled_mm(  # noqa: SLF001 - its only name
            values, weight, scale, own, bias=bias, out_dtype=torch.bfloat16, use_fast_accum=True
        )


def use_float8(layers: nn.Module) -> int:
    """Replace the linear layers within `layers`, in place; how many."""
    found = [
        (parent, name, module)
        for parent in layers.modules()
        for name, module in parent.named_children()
        if isinstance(module, nn.Linear)
        and not (module.in_features % _MULTIPLE or module.out_features % _MULTIPLE)
    ]
    for parent, name, module in found:
        setattr(parent, name, Float8Linear(module))
    return len(found)
