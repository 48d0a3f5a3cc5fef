"""CLIP's ResNet for inference: batch normalisation folded into the convolutions, channels last in memory.

On a GPU convolution, bias, residual sum and ReLU are one call of cuDNN: apart, they take twice as long.
"""

from typing import Any, cast

import torch
from open_clip.modified_resnet import AttentionPool2d, Bottleneck, ModifiedResNet
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.utils.fusion import fuse_conv_bn_eval

from workers.cascade.clip.pooling import PoolFour


def fold_batch_norm(tower: ModifiedResNet) -> ModifiedResNet:
    """Fold in place; the tower must be in evaluation mode, and its features stay the same."""
    for module in tower.modules():
        if isinstance(module, ModifiedResNet | Bottleneck):
            for number in (1, 2, 3):
                _fold(module, f"conv{number}", f"bn{number}")
        if isinstance(module, Bottleneck) and module.downsample is not None:
            _fold(module.downsample, "0", "1")
    if isinstance(tower.attnpool, AttentionPool2d):
        tower.attnpool = OneQueryPool(tower.attnpool)
    return tower.to(memory_format=torch.channels_last)


def fuse_convolutions(tower: ModifiedResNet) -> ModifiedResNet:
    """Fewer kernels on a GPU, in place; after `fold_batch_norm`."""
    for layer in (tower.layer1, tower.layer2, tower.layer3, tower.layer4):
        for place, block in enumerate(layer):
            layer[place] = FusedBottleneck(block)
    for number in (1, 2, 3):
        setattr(tower, f"conv{number}", ConvolutionRelu(getattr(tower, f"conv{number}")))
        setattr(tower, f"act{number}", nn.Identity())
    tower.avgpool = PoolFour()
    return tower


class ConvolutionRelu(nn.Module):
    """Convolution, bias and ReLU as one kernel of cuDNN."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.geometry: Any = (  # a padding is numbers here, though it might be a word
            convolution.stride,
            convolution.padding,
            convolution.dilation,
            convolution.groups,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        return torch.cudnn_convolution_relu(pixels, self.weight, self.bias, *self.geometry)


class ConvolutionAddRelu(ConvolutionRelu):
    """Convolution, bias, sum with the residual and ReLU as one kernel of cuDNN."""

    def forward(self, pixels: Tensor, residual: Tensor) -> Tensor:  # type: ignore[override]
        return torch.cudnn_convolution_add_relu(pixels, self.weight, residual, 1.0, self.bias, *self.geometry)


class FusedBottleneck(nn.Module):
    """A block of the folded tower."""

    def __init__(self, source: Bottleneck) -> None:
        super().__init__()
        self.narrow, self.middle = ConvolutionRelu(source.conv1), ConvolutionRelu(source.conv2)
        self.wide = ConvolutionAddRelu(source.conv3)
        self.pool = PoolFour() if source.stride > 1 else nn.Identity()
        self.shortcut = _shortcut(source.downsample, self.wide)

    def forward(self, pixels: Tensor) -> Tensor:
        residual = pixels if self.shortcut is None else self.shortcut(self.pool(pixels))
        result: Tensor = self.wide(self.pool(self.middle(self.narrow(pixels))), residual)
        return result


class OneQueryPool(nn.Module):
    """CLIP's attention pooling, computed for the mean alone: the other queries' results are never read."""

    def __init__(self, source: AttentionPool2d) -> None:
        super().__init__()
        self.heads: int = source.num_heads
        self.positions = source.positional_embedding  # [places + 1, width]
        self.query, self.output = source.q_proj, source.c_proj
        self.key, self.value = source.k_proj, source.v_proj

    def forward(self, pixels: Tensor) -> Tensor:
        """[images, width, height, width of the grid] -> features [images, dimension]."""
        rows = pixels.permute(0, 2, 3, 1).flatten(1, 2)  # [images, places, width]
        rows = torch.cat([rows.mean(1, keepdim=True), rows], 1) + self.positions.to(rows.dtype)
        query, keys, values = self.query(rows[:, :1]), self.key(rows), self.value(rows)
        by_head = self._by_head
        attended = scaled_dot_product_attention(by_head(query), by_head(keys), by_head(values))
        features: Tensor = self.output(attended.transpose(1, 2).flatten(2)[:, 0])
        return features

    def _by_head(self, rows: Tensor) -> Tensor:
        return rows.view(*rows.shape[:-1], self.heads, -1).transpose(1, 2)


def _shortcut(downsample: nn.Sequential | None, wide: ConvolutionAddRelu) -> nn.Conv2d | None:
    """The residual's own convolution, its bias moved into `wide`: both are added."""
    if downsample is None:
        return None
    convolution = cast("nn.Conv2d", downsample[1])
    if convolution.bias is not None and wide.bias is not None:
        wide.bias = nn.Parameter((wide.bias + convolution.bias).detach(), requires_grad=False)
        convolution.bias = None
    return convolution


def _fold(parent: nn.Module, convolution: str, normalisation: str) -> None:
    fused = fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, normalisation))
    setattr(parent, convolution, fused)
    setattr(parent, normalisation, nn.Identity())
