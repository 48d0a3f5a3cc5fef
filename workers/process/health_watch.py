"""Health of the worker's parent, as files for probes that need neither Python nor broker."""

import time
from dataclasses import dataclass
from pathlib import Path

from common.queue.broker_view import BrokerView
from common.settings import HealthSettings
from workers.health import ALIVE, CHILD_READY, PROGRESS, READY
from workers.process.metrics_folder import is_alive

DEAF_AFTER = 90.0
"""Seconds without a message and without asking for one, after which a worker beside a full queue is deaf."""

TURNS_MISSED = 3
"""Beats without a turn of the consumer's loop after which the loop hangs, or waits for the broker."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the consumer's loop.

    Args:
        pids: of the children that run a batch.
        idle: seconds since the worker last asked for a message; 0 while it holds one.
    """

    pids: tuple[int, ...] = ()
    idle: float = 0.0


class HealthWatch:
    """Keeps `alive` and `ready` of a folder.

    Args:
        settings: of health, with a folder.
        processes: children that must be ready.
        broker: its probes.
    """

    def __init__(self, settings: HealthSettings, processes: int, broker: BrokerView) -> None:
        self._folder, self._processes, self._broker = Path(settings.folder or ""), processes, broker
        self._patience, self._overdue = settings.patience, settings.beat * TURNS_MISSED
        self._is_consuming = False
        self._turned_at = 0.0

    def start_consuming(self) -> None:
        """Messages flow from now on."""
        self._is_consuming, self._turned_at = True, time.monotonic()

    def stop_consuming(self) -> None:
        """The broker is lost."""
        self._is_consuming = False

    def turn(self, turn: Turn) -> None:
        """Judge the worker while its loop turns."""
        self._turned_at = time.monotonic()
        if not (any(self._is_stuck(pid) for pid in turn.pids) or self._is_deaf(turn.idle)):
            self._show_alive()
        self._show_ready()

    def watch_wait(self) -> None:
        """Judge it from beside the loop: a wait for the broker is alive and unready, however long."""
        if not self._is_consuming or (self._is_overdue() and self._broker.is_away()):
            self._show_alive()
            self._show_unready()

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._turned_at > self._overdue

    def _is_stuck(self, pid: int) -> bool:
        try:
            last = (self._folder / f"{PROGRESS}{pid}").stat().st_mtime
        except FileNotFoundError:  # the batch has just begun
            return False
        return time.time() - last > self._patience

    def _is_deaf(self, idle: float) -> bool:
        return idle > DEAF_AFTER and self._broker.has_waiting()

    def _show_alive(self) -> None:
        (self._folder / ALIVE).touch()

    def _show_ready(self) -> None:
        signs = self._folder.glob(f"{CHILD_READY}*")
        if sum(is_alive(int(sign.name.removeprefix(CHILD_READY))) for sign in signs) >= self._processes:
            (self._folder / READY).touch()
        else:
            self._show_unready()

    def _show_unready(self) -> None:
        (self._folder / READY).unlink(missing_ok=True)
