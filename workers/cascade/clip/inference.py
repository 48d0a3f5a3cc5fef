"""A dual encoder of open_clip made ready for inference: same features, fewer passes over memory."""

from copy import deepcopy

import structlog
import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.modified_resnet import ModifiedResNet
from torch import Tensor, nn

from workers.cascade.clip.resnet import fold_batch_norm, fuse_convolutions
from workers.cascade.clip.text_tower import is_pooled_at_eos, text_tower
from workers.cascade.clip.transformer import fuse_blocks, use_native_kernels

log = structlog.get_logger(__name__)

_TOLERANCE = 0.02  # of features' length: several times the rounding of bfloat16


def prepare_for_inference(model: CLIP | CustomTextCLIP, dtype: torch.dtype) -> None:
    """Change the towers in place; a CPU keeps the kernels whose results it is known by."""
    device = next(model.parameters()).device
    if device.type != "cpu":
        use_native_kernels(model, dtype)
    tower = text_tower(model)
    if is_pooled_at_eos(tower):  # only then is the mask the causal one
        fuse_blocks(tower.transformer)
    if hasattr(model.visual, "transformer"):
        fuse_blocks(model.visual.transformer)
    if isinstance(model.visual, ModifiedResNet):
        fold_batch_norm(model.visual)
        if device.type != "cpu":
            _fuse_where_equal(model, device, dtype)


@torch.inference_mode()
def _fuse_where_equal(model: CLIP | CustomTextCLIP, device: torch.device, dtype: torch.dtype) -> None:
    """Fused convolutions, unless this device's cuDNN has none or they see another image."""
    plain, side = model.visual, int(model.visual.image_size)
    fused = fuse_convolutions(_twin(plain))
    if device.type == "meta" or _is_equal(plain, fused, _sample(side, device, dtype)):
        model.visual = fused
    else:
        log.warning("clip.unfused", hint="this GPU's cuDNN does not fuse convolutions; the ResNet is slower")


def _is_equal(plain: nn.Module, fused: nn.Module, pixels: Tensor) -> bool:
    try:
        expected, found = plain(pixels).float(), fused(pixels).float()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError:  # cuDNN refuses a geometry or a precision
        return False
    return bool((found - expected).norm() <= _TOLERANCE * expected.norm())


def _sample(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Two images of normalised pixels in their usual range, [2, 3, side, side]."""
    rows = torch.linspace(-2, 2, side, device=device)
    pixels = torch.sin(torch.outer(rows, 9 * rows)).expand(2, 3, side, side).clone()
    pixels[1] *= 2
    return pixels.to(dtype).contiguous(memory_format=torch.channels_last)


def _twin(tower: ModifiedResNet) -> ModifiedResNet:
    """Another structure over the same weights."""
    return deepcopy(tower, {id(weight): weight for weight in tower.parameters()})
