"""The NVIDIA card of this process: chosen, proven to compute, and described."""

import re
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from common.machine import visible_gpus
from workers.device.errors import DeviceError, device_errors
from workers.device.share import card_number

DRIVER = Path("/proc/driver/nvidia/version")


def has_gpu(nodes: Path = Path("/dev")) -> bool:
    """Whether there is a card, usable or not: one that fails must not become a silent CPU."""
    if not visible_gpus(["all"]):
        return False
    with warnings.catch_warnings(action="ignore"):  # of a driver that is too old
        return torch.cuda.is_available() or any(nodes.glob("nvidia[0-9]*"))


def open_gpu(name: str) -> torch.device:
    """The card of a name like `cuda` or `cuda:1`, current for this thread; float32 on it means float32.

    Without a number the processes of a worker take the cards in turn.

    Raises:
        DeviceError: it cannot be used.
    """
    with device_errors():
        torch.cuda.init()  # type: ignore[no-untyped-call]
        count = torch.cuda.device_count()
        index = torch.device(name).index
        index = card_number() % count if index is None else index
        if index >= count:
            raise DeviceError(f"FLEET_DEVICE={name}: there are {count} GPUs here, numbered from 0")
        _require_kernels(index)
        torch.cuda.set_device(index)
        torch.ones(1, device="cuda").add_(1).item()
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]  # TF32 by default
    return torch.device("cuda", index)


def describe_gpu(device: torch.device) -> dict[str, object]:
    """What a log line says of a card; memory in GiB."""
    card = torch.cuda.get_device_properties(device)
    return {
        "device": str(device),
        "card": card.name,
        "capability": f"{card.major}.{card.minor}",
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "memory_gib": round(card.total_memory / 2**30, 1),
        "attention": _attention_backends(),
    }


def has_kernels(capability: tuple[int, int], architectures: list[str]) -> bool:
    """Whether a torch built for these architectures runs on a card.

    Binaries (`sm_80`) run on cards of the same major version, intermediate code (`compute_80`) on all later
    ones: "CUDA C++ programming guide", 3.1.2 and 3.1.3.
    """
    for architecture in architectures:
        found = re.fullmatch(r"(sm|compute)_(\d+)(\d)[af]?", architecture)
        if found is None:
            continue
        built = int(found[2]), int(found[3])
        if built <= capability and (found[1] == "compute" or built[0] == capability[0]):
            return True
    return False


def _require_kernels(index: int) -> None:
    capability, architectures = torch.cuda.get_device_capability(index), torch.cuda.get_arch_list()
    if torch.version.hip or has_kernels(capability, architectures):
        return
    raise DeviceError(
        f"{torch.cuda.get_device_name(index)}: torch {torch.__version__} has no kernels for this GPU"
        f" (sm_{capability[0]}{capability[1]}; there are {', '.join(architectures)});"
        " use another card, or an image with another torch"
    )


def _driver() -> str | None:
    try:
        found = re.search(r"\b\d+\.\d+(\.\d+)?\b", DRIVER.read_text(encoding="ascii", errors="replace"))
    except OSError:
        return None
    return found and found[0]


def _attention_backends() -> list[str]:
    backends = torch.backends.cuda
    enabled: dict[str, Callable[[], bool]] = {
        "cudnn": backends.cudnn_sdp_enabled,
        "flash": backends.flash_sdp_enabled,
        "efficient": backends.mem_efficient_sdp_enabled,
        "math": backends.math_sdp_enabled,
    }
    return [name for name, is_enabled in enabled.items() if is_enabled()]
