"""The health watch of a worker: driven by the consumer's loop, and by a thread beside it."""

import threading
import time
from pathlib import Path

from celery import bootsteps
from celery.worker import WorkController, state

from common.errors import FleetError
from common.queue.broker_view import BrokerView
from common.settings import Settings
from workers.delivery.consumer import FleetConsumer
from workers.health import ALIVE, CHILD_READY, PROGRESS, READY
from workers.process.health_watch import HealthWatch, Turn


def watch_health(worker: WorkController, settings: Settings) -> None:
    """Begin to watch, before the pool and the broker start; no-op without a folder.

    Raises:
        FleetError: the folder cannot be written to.
    """
    if settings.health.folder is None:
        return
    _empty(Path(settings.health.folder))
    beat = settings.health.beat
    processes = worker.app.conf.worker_concurrency
    watch = HealthWatch(settings.health, processes, BrokerView(settings.broker_url))
    worker.app.steps["consumer"].add(_step(watch, beat))
    threading.Thread(target=_wait, args=(watch, beat), name="health", daemon=True).start()


def _empty(folder: Path) -> None:
    """Remove the files of an earlier start: process ids are reused."""
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


def _wait(watch: HealthWatch, beat: float) -> None:
    pause = threading.Event()
    while True:
        watch.watch_wait()
        pause.wait(beat)


def _step(watch: HealthWatch, beat: float) -> type[bootsteps.StartStopStep]:
    class Health(bootsteps.StartStopStep):  # type: ignore[misc]
        """Turns with the consumer's loop, from when messages flow until the broker is lost."""

        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, consumer: FleetConsumer) -> None:
            watch.start_consuming()
            self._timer = consumer.timer.call_repeatedly(beat, _turn, (watch, consumer))

        def stop(self, _: FleetConsumer) -> None:
            watch.stop_consuming()
            self._timer.cancel()

    return Health


def _turn(watch: HealthWatch, consumer: FleetConsumer) -> None:
    pids = tuple(request.worker_pid for request in state.active_requests)
    idle = 0.0 if state.reserved_requests else time.monotonic() - consumer.asked_at()
    watch.turn(Turn(pids, idle))
