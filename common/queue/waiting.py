"""Batches of a run that are waiting or held, without a scan of the queue."""

import redis

from common.queue.kombu_queue import first_waiting, held_messages
from common.queue.queued_batches import QueuedBatches, read_marks

NEVER = 0.0
RETURNED = 100
"""Messages at the head of the queue that may have come back there in another order."""


def waiting_batches(client: redis.Redis, run: str) -> set[str]:
    """Batches whose message waits in the queue or is held by a worker.

    The queue is first-in, first-out: a batch queued before the oldest waiting message, and held by no
    worker, is lost. That happens to a worker killed between popping a message and recording it.
    """
    marks = QueuedBatches(client, run).read()
    since = oldest_waiting_time(client)
    # Read after the queue: a message popped in between is held by now.
    held = {message.batch_id for message in held_messages(client) if message.run == run}
    if since is None:
        return held
    return held | {batch for batch, at in marks.items() if at >= since}


def oldest_waiting_time(client: redis.Redis) -> float | None:
    """Time of queueing of the oldest waiting message; None for an empty queue."""
    first = first_waiting(client, RETURNED)
    if not first:
        return None
    if first[-1] is None:
        return NEVER
    marks = read_marks(client, [(message.run, message.batch_id) for message in first if message is not None])
    return min(NEVER if at is None else at for at in marks)
