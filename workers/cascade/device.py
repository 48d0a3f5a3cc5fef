"""Device and precision of the models, and copies to the device."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.cascade.cuda import describe_gpu, has_gpu, open_gpu
from workers.device.errors import DeviceError


def choose_device(name: str) -> torch.device:
    """`auto` is this process's GPU, else the CPU. To be called by the thread that uses the device.

    Raises:
        DeviceError: there is no such device, or it cannot be used; also a GPU that `auto` finds.
    """
    if name == "auto":
        name = "cuda" if has_gpu() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(
            f"FLEET_DEVICE={name}: no device of torch; say auto, cuda, cuda:1 or cpu"
        ) from error
    return open_gpu(name) if device.type == "cuda" else device


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


def choose_clip_dtypes(name: str, device: torch.device, *, is_native: bool) -> tuple[torch.dtype, ...]:
    """What to load a dual encoder in, in turn: the next where numbers outgrow the one before.

    On a GPU float16 errs by a sixth of bfloat16's error at the same speed, but ends at 65,504: `auto` takes
    it where the weights were published in it (`is_native`), or where there is nothing else.
    """
    usual = choose_dtype(name, device)
    if name != "auto" or device.type == "cpu":
        return (usual,)
    if usual == torch.float16:
        return torch.float16, torch.float32
    return (torch.float16, usual) if is_native else (usual,)


def describe_device() -> dict[str, object]:
    """What a log line says of the device of the calling thread."""
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return describe_gpu(torch.device("cuda", torch.cuda.current_device()))
    return {"device": "cpu", "threads": torch.get_num_threads()}


def to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Copy an array to the device; to a GPU asynchronously, from pinned memory."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
