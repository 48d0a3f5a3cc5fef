"""What torch and CUDA say of a device, as errors of ours: the texts are those that were seen."""

import pytest
import torch

from common.errors import FleetError
from workers.device.errors import (
    DeviceError,
    DeviceLostError,
    DeviceMemoryError,
    device_errors,
    find_device_error,
    is_out_of_memory,
)

SAID: list[tuple[Exception, type[DeviceError]]] = [
    (RuntimeError("Found no NVIDIA driver on your system. Please check"), DeviceError),
    (RuntimeError("No CUDA GPUs are available"), DeviceError),
    (RuntimeError("The NVIDIA driver on your system is too old (found version 11040)."), DeviceError),
    (RuntimeError("CUDA driver initialization failed, you might not have a CUDA gpu."), DeviceError),
    (RuntimeError("CUDA error: CUDA driver version is insufficient for CUDA runtime version"), DeviceError),
    (torch.AcceleratorError("CUDA error: invalid device ordinal\nCUDA kernel errors might be"), DeviceError),
    (torch.AcceleratorError("CUDA error: no kernel image is available for execution"), DeviceError),
    (AssertionError("Torch not compiled with CUDA enabled"), DeviceError),
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), DeviceMemoryError),
    (torch.AcceleratorError("CUDA error: out of memory"), DeviceMemoryError),
    (
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        DeviceMemoryError,
    ),
    (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), DeviceMemoryError),
    (torch.AcceleratorError("CUDA error: device-side assert triggered"), DeviceLostError),
    (torch.AcceleratorError("CUDA error: uncorrectable ECC error encountered"), DeviceLostError),
    (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
    (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm"), DeviceLostError),
    (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), DeviceLostError),
    (torch.AcceleratorError("anything at all"), DeviceLostError),
]


@pytest.mark.parametrize(("error", "kind"), SAID, ids=lambda one: str(one)[:40])
def test_each_has_its_kind_and_one_line_that_names_the_gpu(error: Exception, kind: type[DeviceError]) -> None:
    found = find_device_error(error)
    assert type(found) is kind
    line = str(found)
    assert "\n" not in line
    assert "; " in line  # what to do
    assert any(word in line.lower() for word in ("cuda", "gpu"))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("poison"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
        ValueError("CUDA error: that somebody wrote into a file"),
        MemoryError("out of memory"),
        AssertionError(),
    ],
    ids=repr,
)
def test_other_errors_are_not_the_devices(error: Exception) -> None:
    assert find_device_error(error) is None
    assert not is_out_of_memory(error)
    with pytest.raises(type(error)), device_errors():
        raise error


def test_every_kind_of_memory_error_may_be_halved() -> None:
    for error, kind in SAID:
        assert is_out_of_memory(error) == (kind is DeviceMemoryError), error


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), DeviceMemoryError),
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), DeviceLostError),
    ],
    ids=["memory", "another"],
)
def test_the_end_of_a_capture_hides_no_want_of_memory(first: Exception, kind: type[DeviceError]) -> None:
    end = torch.AcceleratorError("CUDA error: operation failed due to a previous error during capture")
    end.__context__ = first  # as where one is raised on the way out of another
    assert type(find_device_error(end)) is kind
    assert is_out_of_memory(end) == (kind is DeviceMemoryError)


def test_raised_it_is_ours_and_keeps_its_cause() -> None:
    cause = torch.AcceleratorError("CUDA error: unspecified launch failure")
    with pytest.raises(DeviceLostError) as caught, device_errors():
        raise cause
    assert caught.value.__cause__ is cause
    assert isinstance(caught.value, FleetError)
