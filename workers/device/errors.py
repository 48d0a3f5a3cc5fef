"""Errors of the device, from exceptions of torch and CUDA: never a batch's fault.

Sources: the texts of torch (c10/cuda, aten/cuda) and of the CUDA runtime's error codes. Knows no torch
itself: where the device failed torch is loaded.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from common.errors import FleetError


class DeviceError(FleetError):
    """The device is absent or unusable; the line names the remedy."""

    label = "DeviceError"


class DeviceMemoryError(DeviceError):
    """The device has too little memory for the models, or for one image."""

    label = "DeviceMemoryError"


class DeviceLostError(DeviceError):
    """The device failed in a way that outlasts the call: nothing works on it again in this process."""

    label = "DeviceLostError"


_CAPTURE = re.compile(r"during capture|is capturing|STREAM_?CAPTURE", re.IGNORECASE)
_MEMORY = re.compile(r"out of memory|STATUS_ALLOC_FAILED", re.IGNORECASE)

_UNUSABLE = (
    ("driver.* too old|driver version is insufficient", "update the NVIDIA driver, or use an older image"),
    (
        "not compiled with CUDA",
        "this torch is built for the CPU; install one with CUDA, or use the GPU's image",
    ),
    (
        "invalid device ordinal",
        "there is no GPU of that number; correct FLEET_DEVICE or CUDA_VISIBLE_DEVICES",
    ),
    (
        "no kernel image|no kernels? for|is not compatible with the current PyTorch",
        "use another card or image",
    ),
    (
        (
            "Found no NVIDIA driver|No (CUDA|HIP) GPUs|no CUDA-capable device|initialization (failed|error)"
            "|device count|busy or unavailable"
        ),
        "give this worker a GPU and its driver, or set FLEET_DEVICE=cpu",
    ),
)
"""Failures that a new process would not mend: pattern and advice."""

_LOST = re.compile(
    r"CUDA error|CUDA driver error|device-side assert|cuDNN error|CUDNN_STATUS|CUBLAS_STATUS|CUFFT_"
)
_NAMES_IT = re.compile(r"cuda|gpu", re.IGNORECASE)


def find_device_error(error: BaseException) -> DeviceError | None:
    """The device's error behind an exception; None where the device is not to blame."""
    if isinstance(error, DeviceError):
        return error
    if not isinstance(error, RuntimeError | AssertionError) or isinstance(error, RecursionError):
        return None
    line = (str(error).splitlines() or [""])[0]  # hints for programmers follow
    if is_out_of_memory(error):
        return DeviceMemoryError(_name(f"{line[:200]}; lower FLEET_MICRO_BATCH, or free the GPU's memory"))
    for pattern, advice in _UNUSABLE:
        if re.search(pattern, line):
            return DeviceError(_name(f"{line[:200]}; {advice}"))
    if isinstance(error, _torch_errors("AcceleratorError")) or _LOST.search(line):
        return DeviceLostError(_name(f"{line[:200]}; look for Xid in dmesg, and at nvidia-smi"))
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device's memory ran out, by whichever library of CUDA: smaller work may fit.

    Within a capture the end of that fails as well, and its error hides the first.
    """
    if isinstance(error, RuntimeError) and _CAPTURE.search(str(error)) and error.__context__ is not None:
        return is_out_of_memory(error.__context__)
    if isinstance(error, _torch_errors("OutOfMemoryError")):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and bool(_MEMORY.search(text)) and bool(_ON_DEVICE.search(text))


_ON_DEVICE = re.compile(r"CUDA|CUBLAS|CUDNN|cuDNN|HIP|device", re.ASCII)


@contextmanager
def device_errors() -> Iterator[None]:
    """Raise failures of the device as DeviceError.

    Raises:
        DeviceError: in place of an error of torch or CUDA.
    """
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:
        found = find_device_error(error)
        if found is None:
            raise
        raise found from error


def _torch_errors(*names: str) -> tuple[type[BaseException], ...]:
    torch = sys.modules.get("torch")
    return tuple(getattr(torch, name) for name in names if hasattr(torch, name))


def _name(line: str) -> str:
    """The line, which begins with its subject."""
    return line if _NAMES_IT.search(line) else f"the GPU: {line}"
