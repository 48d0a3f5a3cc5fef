"""CLIP's ResNet for inference: batch normalisation folded into the convolutions, channels last in memory."""

import torch
from open_clip.modified_resnet import Bottleneck, ModifiedResNet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def fold_batch_norm(tower: ModifiedResNet) -> ModifiedResNet:
    """Fold in place; the tower must be in evaluation mode, and its features stay the same."""
    for module in tower.modules():
        if isinstance(module, ModifiedResNet | Bottleneck):
            for number in (1, 2, 3):
                _fold(module, f"conv{number}", f"bn{number}")
        if isinstance(module, Bottleneck) and module.downsample is not None:
            _fold(module.downsample, "0", "1")
    return tower.to(memory_format=torch.channels_last)


def _fold(parent: nn.Module, convolution: str, normalisation: str) -> None:
    fused = fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, normalisation))
    setattr(parent, convolution, fused)
    setattr(parent, normalisation, nn.Identity())
