"""The latest reason for which a batch of a run went back to the queue."""

from dataclasses import dataclass
from typing import Self

import redis

from common.queue.run_keys import run_prefix

KEPT = 3600
"""Seconds after which a reason is stale."""


@dataclass(frozen=True, slots=True)
class Return:
    """The latest return of a batch.

    Args:
        reason: one line: what, where, what to do.
        culprit: who is to blame, in a word or two.
        worker: that returned the batch.
        is_lasting: no waiting mends it.
    """

    reason: str
    culprit: str
    worker: str
    is_lasting: bool

    @classmethod
    def read(cls, client: redis.Redis, run: str) -> Self | None:
        """The latest return of a run, or None where there was none lately."""
        fields = {str(name): str(value) for name, value in client.hgetall(_key(run)).items()}
        try:
            return cls(
                reason=fields["reason"],
                culprit=fields["culprit"],
                worker=fields["worker"],
                is_lasting=fields["is_lasting"] == "1",
            )
        except KeyError:  # none, or not ours
            return None

    def write(self, client: redis.Redis, run: str) -> None:
        """Make this the latest return of a run."""
        pipeline = client.pipeline()
        pipeline.hset(
            _key(run),
            mapping={
                "reason": self.reason,
                "culprit": self.culprit,
                "worker": self.worker,
                "is_lasting": int(self.is_lasting),
            },
        )
        pipeline.expire(_key(run), KEPT)
        pipeline.execute()


def forget_return(client: redis.Redis, run: str) -> None:
    """Work goes on: there is nothing to tell."""
    client.delete(_key(run))


def _key(run: str) -> str:
    return f"{run_prefix(run)}:returned"
