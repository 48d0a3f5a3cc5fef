"""While a batch is worked on: its lease is renewed and its progress shown, from a thread beside it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import redis
import structlog

from common.broker import renew_lease
from common.live import LiveRun, Running
from common.settings import LeaseSettings

SILENT_BEATS = 5
"""Beats without a sign of life after which a batch no longer counts as running."""

log = structlog.get_logger(__name__)


class Progress:
    """Rows done of one batch, counted by the flow and read by the lease's thread."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def advance(self, rows: int) -> None:
        self.done += rows


class Lease:
    """The right to a message, and the live record of its batch."""

    def __init__(
        self, client: redis.Redis, live: LiveRun, delivery_tag: str, settings: LeaseSettings, running: Running
    ) -> None:
        self._client, self._live, self._tag = client, live, delivery_tag
        self._settings, self._running = settings, running
        self.progress = Progress(running.total)
        self._shown = 0
        self._renewed = 0.0
        self._over = threading.Event()

    @contextmanager
    def held(self) -> Iterator[Progress]:
        """Renew until the block ends, however it ends."""
        thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        thread.start()
        try:
            yield self.progress
        finally:
            self._over.set()
            thread.join()
            self._quietly(lambda: self._live.ended(self._running.batch))

    def _keep(self) -> None:
        pause = min(self._settings.beat, self._settings.renewal)
        while True:
            self._quietly(self._beat)
            if self._over.wait(pause):
                self._quietly(self._beat)
                return

    def _beat(self) -> None:
        if time.monotonic() - self._renewed >= self._settings.renewal:
            renew_lease(self._client, self._tag)
            self._renewed = time.monotonic()
        done = self.progress.done
        self._live.beat(
            replace(self._running, done=done),
            rows=done - self._shown,
            ttl=self._settings.beat * SILENT_BEATS,
        )
        self._shown = done

    def _quietly(self, step: Callable[[], None]) -> None:
        """A broker that is away ends no batch: the output does not need it."""
        try:
            step()
        except redis.RedisError as error:
            log.warning("broker away", error=str(error))
