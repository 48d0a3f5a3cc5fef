"""Device and precision of the models, and copies to the device."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def choose_device(name: str) -> torch.device:
    """`auto` is the first GPU, else the CPU."""
    if name != "auto":
        return torch.device(name)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is float32 on a CPU, bfloat16 on a GPU, float16 on a GPU without bfloat16.

    On a CPU captions must not depend on the machine; bfloat16 there is on request.
    """
    if name != "auto":
        dtype: torch.dtype = getattr(torch, name)
        return dtype
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.float16
    return torch.bfloat16


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to the device; to a GPU asynchronously, from pinned memory."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
