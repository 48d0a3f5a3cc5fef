"""The workers of `producer local`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import FleetError
from common.machine import VISIBLE_GPUS, count_cores, visible_gpus
from common.settings import AUTO, Settings
from producer.children import start, stop

GRACE = 3
"""Seconds for a running batch to end after a stop."""
BEAT = 1
SLACK = 10
"""Further seconds for a worker to return its batch and exit."""


@contextmanager
def run_workers(count: int, folder: Path, settings: Settings) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Run `count` workers until the block ends; their logs are in `folder`."""
    gpus = gpu_count()
    processes = [
        start(
            [sys.executable, "-P", "-m", "workers", "worker", "-n", f"worker-{number}@%h"],
            log=_log(folder, number),
            environment=worker_environment(number, gpus, settings, workers=count),
        )
        for number in range(count)
    ]
    try:
        yield processes
    finally:
        stop(processes, grace=GRACE + SLACK)


def worker_environment(number: int, gpus: int, settings: Settings, *, workers: int) -> Mapping[str, str]:
    """Additional environment of worker `number`: broker, output, and GPU or cores."""
    environment = {
        "FLEET_BROKER_URL": settings.broker_url,
        "FLEET_OUTPUT": settings.output or "",
        "FLEET_LEASE_GRACE": str(GRACE),
        "FLEET_LEASE_BEAT": str(BEAT),
    }
    cards = visible_gpus(map(str, range(gpus))) if settings.device in {"auto", "cuda"} else []
    if cards:
        environment[VISIBLE_GPUS] = cards[number % len(cards)]
    elif not gpus and "OMP_NUM_THREADS" not in os.environ:
        environment["OMP_NUM_THREADS"] = str(max(1, count_cores() // workers))
    if workers > 1 and settings.worker_processes == AUTO:  # each would take all of the machine
        environment["FLEET_WORKER_PROCESSES"] = "1"
    return environment


def gpu_count() -> int:
    """GPUs that workers may use, by the driver's list: the control plane has no torch."""
    if VISIBLE_GPUS in os.environ:
        return len(visible_gpus([]))
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)  # noqa: S603 - a driver's tool
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def has_accelerator(settings: Settings) -> bool:
    """Whether the workers will run their models on one."""
    return gpu_count() > 0 if settings.device == "auto" else settings.device != "cpu"


def _log(folder: Path, number: int) -> Path:
    return folder / f"worker-{number}.log"


def require_alive(processes: Sequence["subprocess.Popen[bytes]"], folder: Path) -> None:
    """Raises FleetError if a worker has exited, with the last line of its log."""
    for number, process in enumerate(processes):
        if process.poll() is not None:
            log = _log(folder, number)
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise FleetError(
                f"worker {number} ended with code {process.returncode}: {''.join(last)} (see {log})"
            )
