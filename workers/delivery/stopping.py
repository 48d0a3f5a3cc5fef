"""Signals that tell a worker to stop: batches end in time or go back, and the process ends in any case."""

import atexit
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import structlog
from celery.platforms import EX_OK
from celery.worker import WorkController, state

from common.settings import Settings
from workers.delivery.giving_back import excuse_all, give_back_all
from workers.delivery.heartbeat import Heartbeat

GOODBYE = 6.0
"""Seconds for the last steps, after which the process ends, whatever still holds it."""

LOOK = 0.1
"""Seconds between two looks at the batches in hand."""

LAST_TURN = 1.0
"""Seconds in which Celery's loop turns, unless it waits for its broker."""

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP)
FOR_GOOD = 128
"""Added to a signal's number, by the shells' convention."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """What a signal asks for.

    Args:
        patience: seconds that the batches in hand may take to end.
        code: exit code.
    """

    patience: float
    code: int


def read_order(number: int, grace: float, *, again: bool) -> Order:
    """What a signal asks for, `again` if the worker is stopping already.

    SIGTERM and SIGHUP leave the grace period, SIGQUIT leaves nothing; Ctrl-C waits for the batch to end, and
    a second one does not.
    """
    patience = {signal.SIGINT: 0.0 if again else math.inf, signal.SIGQUIT: 0.0}.get(
        signal.Signals(number), grace
    )
    return Order(patience, EX_OK if number == signal.SIGTERM else FOR_GOOD + number)


class Shutdown:
    """The way out of one worker."""

    def __init__(self, worker: WorkController, settings: Settings, heartbeat: Heartbeat) -> None:
        self._worker, self._settings, self._heartbeat = worker, settings, heartbeat
        self._signals: SimpleQueue[int] = SimpleQueue()  # a handler may write to it wherever it interrupts
        self._deadline = math.inf
        self._code = EX_OK
        self._has_left = False

    def listen(self) -> None:
        """Obey signals from now on, in place of Celery, whose own way out sleeps, and counts attempts."""
        atexit.register(self._say_goodbye)
        threading.Thread(target=self._stop, name="stop", daemon=True).start()
        for number in STOPPING:
            signal.signal(number, lambda number, _: self._signals.put(number))

    def _stop(self) -> None:
        self._obey(self._signals.get(), again=False)
        self._worker.consumer.stop_taking()
        excuse_all(self._settings)  # a signal to the whole group has ended the children by now
        while state.reserved_requests and time.monotonic() < self._deadline:
            with suppress(Empty):
                self._obey(self._signals.get(timeout=LOOK), again=True)
        self._leave()

    def _obey(self, number: int, *, again: bool) -> None:
        order = read_order(number, self._settings.lease.grace, again=again)
        deadline = time.monotonic() + order.patience
        log.warning("stopping", signal=signal.Signals(number).name, patience_seconds=_or_none(order.patience))
        if deadline <= self._deadline:
            self._deadline, self._code = deadline, order.code

    def _leave(self) -> None:
        self._worker.exitcode = self._code
        _start(self._end_at_last)
        self._worker.hub.call_soon(self._give_back)
        time.sleep(LAST_TURN)
        state.should_terminate = EX_OK

    def _give_back(self) -> None:
        """Called by the loop, so that nothing moves meanwhile; acknowledgements go before its next turn."""
        give_back_all(self._worker, self._settings)
        self._say_goodbye()
        self._worker.hub.call_soon(_terminate)

    def _say_goodbye(self) -> None:
        if not self._has_left:
            self._has_left = True
            excuse_all(self._settings)
            self._heartbeat.end()

    def _end_at_last(self) -> None:
        """Celery may wait for its broker for ever; unacknowledged messages come back anyway."""
        time.sleep(GOODBYE)
        log.error("stopping takes too long: ends now")
        _start(self._say_goodbye).join(LAST_TURN)
        os._exit(self._code or 1)


def _or_none(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None  # JSON knows no infinity


def _terminate() -> None:
    state.should_terminate = EX_OK


def _start(step: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    return thread
