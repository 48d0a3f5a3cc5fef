"""Unfinished attempts by batch id: the difference between a poisonous batch and bad luck."""

from dataclasses import dataclass

import redis

from common.queue.numbers import parse_count
from common.queue.run_keys import run_prefix
from common.queue.workers import Workers

ERROR_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts that count against a batch.

    Args:
        crashed: the child died, timed out or failed unexpectedly under a living worker.
        vanished: the whole worker fell silent.
    """

    crashed: int
    vanished: int


class AttemptBook:
    """Attempts at one run's batches. An orderly end leaves no trace."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client, self._workers = client, Workers(client)
        prefix = run_prefix(run)
        self._open = f"{prefix}:attempts:open"
        self._crashed = f"{prefix}:attempts:crashed"
        self._vanished = f"{prefix}:attempts:vanished"
        self._errors = f"{prefix}:attempts:errors"
        self._failed_on = f"{prefix}:attempts:failed-on"

    def begin(self, batch: str, worker: str) -> Attempts:
        """Open an attempt; an earlier one that is still open is counted first."""
        before = self._client.hget(self._open, batch)
        if before is not None:
            self._count_unended(batch, str(before))
        self._client.hset(self._open, batch, worker)
        return self.read(batch)

    def end(self, batch: str) -> None:
        """Close an attempt without counting it: done, dead, or returned to the queue."""
        self._client.hdel(self._open, batch)

    def fail(self, batch: str, worker: str, error: str) -> bool:
        """Close an attempt after an unexpected error; counts as a crash.

        Returns:
            False if it does not count, since the worker fails at every batch.
        """
        self._client.hdel(self._open, batch)
        counts = self._count(self._crashed, batch, worker)
        self._client.hset(self._errors, batch, error[-ERROR_LENGTH:])
        return counts

    def read(self, batch: str) -> Attempts:
        """The attempts that count."""
        crashed, vanished = (self._client.hget(counter, batch) for counter in (self._crashed, self._vanished))
        return Attempts(parse_count(crashed) or 0, parse_count(vanished) or 0)

    def workers_failed_on(self, batch: str) -> set[str]:
        """The workers whose failures count against a batch."""
        return {str(worker) for worker in self._client.smembers(f"{self._failed_on}:{batch}")}

    def last_error(self, batch: str) -> str | None:
        """The traceback of the last unexpected error."""
        error = self._client.hget(self._errors, batch)
        return None if error is None else str(error)

    def reset(self, *batches: str) -> None:
        """Reset the counters of at least one batch: it is done, or an operator requeues it."""
        pipeline = self._client.pipeline()
        for key in (self._open, self._crashed, self._vanished, self._errors):
            pipeline.hdel(key, *batches)
        pipeline.delete(*(f"{self._failed_on}:{batch}" for batch in batches))
        pipeline.execute()

    def _count_unended(self, batch: str, worker: str) -> None:
        if self._workers.is_alive(worker):
            self._count(self._crashed, batch, worker)
        else:
            self._client.hincrby(self._vanished, batch, 1)
            self._client.sadd(f"{self._failed_on}:{batch}", worker)

    def _count(self, counter: str, batch: str, worker: str) -> bool:
        if self._workers.record_failure(worker, batch):
            return False
        self._client.hincrby(counter, batch, 1)
        self._client.sadd(f"{self._failed_on}:{batch}", worker)
        return True
