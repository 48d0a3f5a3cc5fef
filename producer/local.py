"""A whole fleet on one machine: embedded broker, workers and one progress bar."""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from common.errors import FleetError
from common.queue.broker import connect, forget_queue
from common.queue.live import LiveRun
from common.settings import Settings
from common.store import is_s3
from producer.children import start, stop
from producer.embedded import embedded_broker
from producer.enqueue import DEFAULTS, EnqueueOptions, plan_run, queue_plan
from producer.follow import follow
from producer.status import RunStatus, StatusReader

GRACE = 3
"""Seconds for a running batch to end after a stop."""
BEAT = 1
SLACK = 10
"""Further seconds for a worker to return its batch and exit."""


def run_locally(
    arguments: Sequence[str],
    output: str,
    settings: Settings,
    *,
    workers: int,
    options: EnqueueOptions = DEFAULTS,
) -> RunStatus:
    """Enqueue parts and run workers until every batch is done; started again it resumes.

    Raises:
        FleetError: bad input, a worker that fails to run, or another `producer local` on the same output.
    """
    _require_worker_packages()
    plan = plan_run(arguments, output, settings, options)
    uri = plan.store.uri
    with _state_folder(uri) as folder, embedded_broker(folder) as broker:
        settings = settings.model_copy(update={"broker_url": broker, "output": uri})
        client = connect(broker)
        live = LiveRun(client, uri)
        # No worker of an earlier start lives: the batches that it held are missing, and queued again.
        forget_queue(client)
        live.forget_queued()
        queue_plan(plan, settings)
        with _workers(workers, folder, settings) as processes:
            return follow(StatusReader(plan.store, settings), live, lambda: _require_alive(processes, folder))


def _require_worker_packages() -> None:
    if importlib.util.find_spec("torch") is None:
        raise FleetError(
            "the workers' packages are not installed; install the extra `worker`:"
            " pip install '.[worker]' in a checkout"
        )


@contextmanager
def _state_folder(uri: str) -> Iterator[Path]:
    """Folder of logs and broker file, below a local output. One producer at a time."""
    folder = _state_path(uri)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise FleetError(f"{folder}: {error.strerror}; is this a folder that you may write to?") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FleetError(
                f"{uri}: another `producer local` is at work here; let it end, or stop it"
            ) from error
        yield folder


def _state_path(uri: str) -> Path:
    if not is_s3(uri):
        return Path(uri) / ".local"
    return _state_home() / "caption-fleet" / sha256(uri.encode()).hexdigest()[:16]


def _state_home() -> Path:
    """The user's folder for such files (XDG base directory specification)."""
    named = os.environ.get("XDG_STATE_HOME")
    try:
        return Path(named) if named else Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise FleetError(
            "this user has no home folder for the broker's file; name a folder in XDG_STATE_HOME"
        ) from error


@contextmanager
def _workers(count: int, folder: Path, settings: Settings) -> Iterator[list["subprocess.Popen[bytes]"]]:
    gpus = gpu_count()
    processes = [
        start(
            [sys.executable, "-m", "celery", "-A", "workers", "worker", "-n", f"worker-{number}@%h"],
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
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = str(number % gpus)
    elif "OMP_NUM_THREADS" not in os.environ:
        environment["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
    return environment


def gpu_count() -> int:
    """GPUs of this machine, from its driver: the control plane has no torch."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return 0
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)  # noqa: S603 - a driver's tool
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def _log(folder: Path, number: int) -> Path:
    return folder / f"worker-{number}.log"


def _require_alive(processes: Sequence["subprocess.Popen[bytes]"], folder: Path) -> None:
    for number, process in enumerate(processes):
        if process.poll() is not None:
            log = _log(folder, number)
            last = log.read_text(errors="replace").strip().splitlines()[-1:]
            raise FleetError(
                f"worker {number} ended with code {process.returncode}: {''.join(last)} (see {log})"
            )
