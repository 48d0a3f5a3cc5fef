"""CLIP's transformers for inference: fewer passes over memory, with the same features."""

from typing import Any, Final

import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.transformer import LayerNormFp32, QuickGELU, ResidualAttentionBlock, Transformer
from torch import Tensor, nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention

_QUICK: Final = 1.702  # QuickGELU is x * sigmoid(1.702 x)


class FusedBlock(nn.Module):
    """A layer of open_clip with one product for queries, keys and values, and a flag instead of a mask."""

    def __init__(self, source: ResidualAttentionBlock) -> None:
        super().__init__()
        own = source.attn
        self.heads: int = own.num_heads
        self.qkv, self.output = _linear(own.in_proj_weight, own.in_proj_bias), own.out_proj
        self.first_norm, self.first_scale = source.ln_1, source.ls_1
        self.second_norm, self.second_scale, self.mlp = source.ln_2, source.ls_2, source.mlp

    def forward(self, rows: Tensor, *_: Any, attn_mask: Tensor | None = None) -> Tensor:
        """[batch, rows, width] -> the same shape; with any mask a row sees none after itself."""
        attended = self._attend(self.first_norm(rows), is_causal=attn_mask is not None)
        rows = rows + self.first_scale(attended)
        result: Tensor = rows + self.second_scale(self.mlp(self.second_norm(rows)))
        return result

    def get_weight_dtype(self) -> torch.dtype:
        """As open_clip asks its own layers."""
        return self.qkv.weight.dtype

    def _attend(self, rows: Tensor, *, is_causal: bool) -> Tensor:
        parts = self.qkv(rows).view(*rows.shape[:-1], 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)  # each [batch, heads, rows, size]
        attended = scaled_dot_product_attention(query, key, value, is_causal=is_causal)
        result: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return result


def _linear(weight: nn.Parameter, bias: nn.Parameter | None) -> nn.Linear:
    """A layer over the same weights."""
    outputs, inputs = weight.shape
    layer = nn.Linear(inputs, outputs, bias=bias is not None, device="meta")
    layer.weight = weight
    if bias is not None:
        layer.bias = bias
    return layer


def fuse_blocks(transformer: nn.Module) -> None:
    """Replace the layers of `transformer`, in place; of another architecture none."""
    if not isinstance(transformer, Transformer):
        return
    for place, block in enumerate(transformer.resblocks):
        if type(block) is ResidualAttentionBlock and block.attn.batch_first and block.attn.bias_k is None:
            transformer.resblocks[place] = FusedBlock(block)


class OnePassNorm(nn.LayerNorm):
    """Reads and writes the precision of its rows, and adds in float32 within."""

    def __init__(self, source: LayerNormFp32, dtype: torch.dtype) -> None:
        super().__init__(source.normalized_shape, source.eps, device="meta")
        self.weight, self.bias = (
            nn.Parameter(values.detach().to(dtype), requires_grad=False)
            for values in (source.weight, source.bias)
        )

    def forward(self, rows: Tensor) -> Tensor:
        return layer_norm(rows, self.normalized_shape, self.weight, self.bias, self.eps)


def use_native_kernels(model: CLIP | CustomTextCLIP, dtype: torch.dtype) -> None:
    """LayerNorm and QuickGELU as one kernel of torch each, in place; for a device with its own memory.

    silu(1.702 x) / 1.702 is QuickGELU: both factors go into the weights around it.
    """
    for parent in list(model.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, LayerNormFp32):
                setattr(parent, name, OnePassNorm(module, dtype))
            if isinstance(module, QuickGELU) and isinstance(parent, nn.Sequential):
                _fold_quick_gelu(parent, name)


@torch.no_grad()
def _fold_quick_gelu(mlp: nn.Sequential, name: str) -> None:
    before, *between, after = mlp
    if len(between) != 1 or not isinstance(before, nn.Linear) or not isinstance(after, nn.Linear):
        return
    for values, factor in ((before.weight, _QUICK), (before.bias, _QUICK), (after.weight, 1 / _QUICK)):
        values.copy_(values.double() * factor)
    setattr(mlp, name, nn.SiLU())
