"""Cores, memory and GPUs of this machine, as its container limits them and its user chose them.

Sources: Linux, "Control Group v2" and "CFS bandwidth control"; NVIDIA, "CUDA environment variables".
"""

import os
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
_NOTHING = frozenset({"", "-1", "NoDevFiles"})
"""CUDA ends the list of its variable at the first of these."""


def visible_gpus(all_gpus: Iterable[str]) -> list[str]:
    """The GPUs to use, by number or id: those that CUDA_VISIBLE_DEVICES leaves, where it is set."""
    visible = os.environ.get(VISIBLE_GPUS)
    if visible is None:
        return list(all_gpus)
    return list(takewhile(lambda name: name not in _NOTHING, map(str.strip, visible.split(","))))


def count_cores() -> int:
    """Whole cores that this process may use, at least one: by its affinity and by its container's quota."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    for folder in _folders("cpu"):
        quota, period = _read_quota(folder)
        if quota > 0 and period > 0:
            cores = min(cores, quota / period)
    return max(1, int(cores))


def memory_bytes() -> int:
    """Memory that this machine or its container has in all."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for folder in _folders("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _read_number(folder / name)
            memory = min(memory, limit) if limit > 0 else memory
    return memory


def _folders(controller: str) -> Iterator[Path]:
    """This process's group and those around it: any of them may hold a limit.

    In a container the path may be the host's, and what is mounted is the container's own group.
    """
    try:
        lines = OWN_GROUPS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0" or controller in controllers.split(","):
            mount = GROUPS if number == "0" else GROUPS / controller
            own = mount / path.lstrip("/")
            yield from (folder for folder in (own, *own.parents) if folder.is_relative_to(mount))


def _read_quota(folder: Path) -> tuple[int, int]:
    """Microseconds of processor time in each period; 0 or less where there is no limit."""
    try:
        quota, period = (folder / "cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return _read_number(folder / "cpu.cfs_quota_us"), _read_number(folder / "cpu.cfs_period_us")
    return (0, 0) if quota == "max" else (int(quota), int(period))


def _read_number(path: Path) -> int:
    """0 where there is no such file, or it says `max`."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
