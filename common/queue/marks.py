"""The marks of a run's queued batches, read once and then updated by changes."""

from array import array

import redis

from common.queue.kombu_queue import held_messages
from common.queue.queued_batches import QueuedBatches
from common.queue.waiting import oldest_waiting_time
from common.run.numbering import Numbering

NONE = -1.0
OVERLAP = 1.0
"""Seconds that a look reads again, for marks that were on their way at the look before."""


class Marks:
    """Half a million marks as 5 MB of times; a set of ids and times would be 150."""

    def __init__(self, client: redis.Redis, run: str, numbering: Numbering) -> None:
        self._client, self._run, self._numbering = client, run, numbering
        self._queued = QueuedBatches(client, run)
        self._times = array("d")
        self._position: str | None = None
        self._at = 0.0
        self._count = 0
        self.strangers = 0
        """Marks of batches that are not numbered: parts were added since."""

    def refresh(self) -> int | None:
        """Read the changes; returns the batches that left the queue since the last look, at first None."""
        if self._position is None or len(self._times) < self._numbering.total:
            self._read_all()
            return None
        changes = self._queued.read_changes(self._position, self._at - OVERLAP)
        for batch in changes.left:
            self._set(batch, NONE)
        for batch, at in changes.marked.items():
            self._set(batch, at)
        self._position, self._at = changes.position, changes.at
        if changes.count != self._count:  # something left without a trace, or a stranger came
            self._read_all()
        return self._numbering.bits(changes.left)

    def read_waiting(self) -> int:
        """Batches whose message waits in the queue or is held by a worker; see `waiting_batches`."""
        since = oldest_waiting_time(self._client)
        held = (message.batch_id for message in held_messages(self._client) if message.run == self._run)
        bits = self._numbering.bits(held)  # after the look at the queue: what is popped in between is held
        if since is None:
            return bits
        return bits | self._numbering.from_numbers(
            number for number, at in enumerate(self._times) if at >= max(since, 0.0)
        )

    def _read_all(self) -> None:
        self._position = self._queued.read_position()
        self._at = self._queued.read_changes(self._position, float("inf")).at
        self._times = array("d", [NONE]) * self._numbering.total
        self._count = 0
        seen: set[str] = set()
        for batch, at in self._queued.scan():
            if not self._set(batch, at):
                seen.add(batch)
        self.strangers = len(seen)
        self._count += self.strangers

    def _set(self, batch: str, at: float) -> bool:
        """Whether the batch is one of the run."""
        number = self._numbering.number(batch)
        if number is None:
            return False
        self._count += (at != NONE) - (self._times[number] != NONE)
        self._times[number] = at
        return True
