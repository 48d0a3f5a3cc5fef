"""While a batch is worked on: claim and lease are renewed and progress shown, from a thread beside it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import redis
from redis.exceptions import LockError
from redis.lock import Lock

from common.queue.kombu_queue import renew_lease
from common.queue.live import LiveRun, Running
from common.queue.run_keys import run_prefix
from common.settings import LeaseSettings
from workers.delivery.outage import tolerating_outage

SILENT_BEATS = 5
"""Beats without a sign of life after which a batch no longer counts as running."""

CLAIM_SECONDS = 5.0
"""Life of a claim: the wait of a batch whose process was killed."""

CLAIM_RENEWAL = 1.0


def claim_on(client: redis.Redis, run: str, batch: str) -> Lock:
    """A claim on a batch: a courtesy that spares a second GPU; the create-only write needs none."""
    return Lock(client, f"{run_prefix(run)}:claim:{batch}", timeout=CLAIM_SECONDS, thread_local=False)


class Progress:
    """Rows done of one batch, counted by the flow and read by the lease's thread."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, rows: int) -> None:
        self.done += rows


class Lease:
    """The right to a message, the claim on its batch, and the live record of both."""

    def __init__(
        self,
        client: redis.Redis,
        live: LiveRun,
        claim: Lock,
        *,
        delivery_tag: str,
        settings: LeaseSettings,
        running: Running,
    ) -> None:
        self._client, self._live, self._claim, self._tag = client, live, claim, delivery_tag
        self._settings, self._running = settings, running
        self._progress = Progress()
        self._shown = 0
        self._over = threading.Event()
        self._due = {self._renew: 0.0, self._beat: 0.0, self._keep_claim: 0.0}

    @contextmanager
    def hold(self) -> Iterator[Progress]:
        """Renew until the block ends, however it ends; then let the claim go."""
        thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        thread.start()
        try:
            yield self._progress
        finally:
            self._over.set()
            thread.join()
            _quietly(self._beat)
            _quietly(lambda: self._live.end(self._running.batch))
            with suppress(redis.RedisError):  # lost, or the broker is away: it runs out by itself
                self._claim.release()

    def _keep(self) -> None:
        periods = {
            self._renew: self._settings.renewal,
            self._beat: self._settings.beat,
            self._keep_claim: CLAIM_RENEWAL,
        }
        pause = min(periods.values())
        while not self._over.is_set():
            for step, period in periods.items():
                if time.monotonic() >= self._due[step]:
                    _quietly(step)
                    self._due[step] = time.monotonic() + period
            self._over.wait(pause)

    def _renew(self) -> None:
        renew_lease(self._client, self._tag)

    def _keep_claim(self) -> None:
        """A claim that was lost with the broker's memory is taken again, if it is free."""
        try:
            self._claim.reacquire()
        except LockError:
            self._claim.acquire(blocking=False)

    def _beat(self) -> None:
        done = self._progress.done
        running = replace(self._running, done=done)
        self._live.beat(running, rows=done - self._shown, ttl=self._settings.beat * SILENT_BEATS)
        self._shown = done


def _quietly(step: Callable[[], None]) -> None:
    with tolerating_outage():
        step()
