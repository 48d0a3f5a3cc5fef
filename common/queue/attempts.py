"""How often a batch was begun and not ended, by batch id: what tells a poisonous batch from bad luck."""

from dataclasses import dataclass

import redis

from common.queue.live import run_prefix

ERROR_LENGTH = 4000


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts that count against a batch.

    Args:
        crashed: its process died, ran out of time or failed unexpectedly under a living worker.
        vanished: its whole worker fell silent.
    """

    crashed: int
    vanished: int


class AttemptBook:
    """The attempts of one run's batches. A batch that was put back in order leaves no trace."""

    def __init__(self, client: redis.Redis, run: str) -> None:
        self._client = client
        prefix = run_prefix(run)
        self._open = f"{prefix}:attempts:open"
        self._crashed = f"{prefix}:attempts:crashed"
        self._vanished = f"{prefix}:attempts:vanished"
        self._errors = f"{prefix}:attempts:errors"

    def begin(self, batch: str, worker: str) -> Attempts:
        """Open an attempt. One that is still open did not end: it is counted first."""
        before = self._client.hget(self._open, batch)
        if before is not None:
            counter = self._crashed if is_alive(self._client, str(before)) else self._vanished
            self._client.hincrby(counter, batch, 1)
        self._client.hset(self._open, batch, worker)
        return self.read(batch)

    def end(self, batch: str) -> None:
        """The attempt ended in order: done, dead, or put back."""
        self._client.hdel(self._open, batch)

    def fail(self, batch: str, error: str) -> Attempts:
        """The attempt ended in an error that nobody expected; counts as a crash."""
        pipeline = self._client.pipeline()
        pipeline.hdel(self._open, batch)
        pipeline.hincrby(self._crashed, batch, 1)
        pipeline.hset(self._errors, batch, error[-ERROR_LENGTH:])
        pipeline.execute()
        return self.read(batch)

    def read(self, batch: str) -> Attempts:
        crashed, vanished = (self._client.hget(counter, batch) for counter in (self._crashed, self._vanished))
        return Attempts(int(crashed or 0), int(vanished or 0))

    def last_error(self, batch: str) -> str | None:
        """The traceback of the last unexpected error."""
        error = self._client.hget(self._errors, batch)
        return None if error is None else str(error)

    def forget(self, batch: str) -> None:
        """Start from nought: it is done, or an operator wants it tried again."""
        pipeline = self._client.pipeline()
        for key in (self._open, self._crashed, self._vanished, self._errors):
            pipeline.hdel(key, batch)
        pipeline.execute()


def mark_alive(client: redis.Redis, worker: str, seconds: int) -> None:
    """A worker's sign of life, good for `seconds`."""
    client.set(_alive(worker), 1, ex=seconds)


def is_alive(client: redis.Redis, worker: str) -> bool:
    return bool(client.exists(_alive(worker)))


def _alive(worker: str) -> str:
    return f"fleet:worker:{worker}"
