"""The parent's view of its own health: written to files that a probe can look at without Python or broker."""

import threading
import time
from collections.abc import Iterable
from pathlib import Path

from celery import bootsteps
from celery.worker import WorkController, state
from celery.worker.consumer import Consumer

from common.errors import FleetError
from common.settings import Settings
from workers.health import ALIVE, CHILD_READY, PROGRESS, READY
from workers.process.metrics_server import is_alive


class HealthWatch:
    """Keeps `alive` and `ready` of a folder.

    Args:
        folder: of the files.
        patience: seconds that a running batch may go without progress.
        processes: children that must be ready.
    """

    def __init__(self, folder: Path, patience: float, processes: int) -> None:
        self._folder, self._patience, self._processes = folder, patience, processes
        self._consuming = False

    def consuming(self, yes: bool) -> None:
        """Told when the consumer starts, and when it lost the broker."""
        self._consuming = yes

    def turned(self, pids: Iterable[int]) -> None:
        """The consumer's loop turned while these children run a batch."""
        if not any(self._is_stuck(pid) for pid in pids):
            (self._folder / ALIVE).touch()
        self._show_ready()

    def waited(self) -> None:
        """Without a broker there is no loop to turn; to wait for it is no fault of this worker."""
        if not self._consuming:
            (self._folder / ALIVE).touch()
            self._show_ready()

    def _is_stuck(self, pid: int) -> bool:
        try:
            last = (self._folder / f"{PROGRESS}{pid}").stat().st_mtime
        except FileNotFoundError:  # it has just been given the batch
            return False
        return time.time() - last > self._patience

    def _show_ready(self) -> None:
        signs = self._folder.glob(f"{CHILD_READY}*")
        ready = sum(is_alive(int(sign.name.removeprefix(CHILD_READY))) for sign in signs)
        if ready >= self._processes:
            (self._folder / READY).touch()
        else:
            (self._folder / READY).unlink(missing_ok=True)


def watch_health(worker: WorkController, settings: Settings) -> None:
    """Begin to watch, before the pool and the broker; does nothing where no folder is set.

    Raises:
        FleetError: the folder cannot be written to.
    """
    if settings.health.folder is None:
        return
    folder, beat = _emptied(Path(settings.health.folder)), settings.health.beat
    watch = HealthWatch(folder, settings.health.patience, settings.worker_processes)
    worker.app.steps["consumer"].add(_step(watch, beat))
    threading.Thread(target=_wait, args=(watch, beat), name="health", daemon=True).start()


def _emptied(folder: Path) -> Path:
    """Signs of an earlier start say nothing: the numbers of its processes are given out again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in (ALIVE, READY, f"{PROGRESS}*", f"{CHILD_READY}*"):
            for sign in folder.glob(name):
                sign.unlink()
        (folder / ALIVE).touch()
    except OSError as error:
        raise FleetError(
            f"{folder}: {error.strerror}; FLEET_HEALTH_FOLDER must be writable for this user"
        ) from error
    return folder


def _wait(watch: HealthWatch, beat: float) -> None:
    pause = threading.Event()
    while True:
        watch.waited()
        pause.wait(beat)


def _step(watch: HealthWatch, beat: float) -> type[bootsteps.StartStopStep]:
    class Health(bootsteps.StartStopStep):  # type: ignore[misc]
        """Turns with the consumer's loop, from when messages flow until the broker is lost."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, consumer: Consumer) -> None:
            watch.consuming(True)
            self._timer = consumer.timer.call_repeatedly(beat, _turn, (watch,))

        def stop(self, _: Consumer) -> None:
            watch.consuming(False)
            self._timer.cancel()

    return Health


def _turn(watch: HealthWatch) -> None:
    watch.turned(request.worker_pid for request in state.active_requests)
