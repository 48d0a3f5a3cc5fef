"""Batches of a run that are waiting or held, without a scan of the queue."""

import redis

from common.queue.broker import held_messages, oldest_waiting
from common.queue.live import LiveRun
from common.queue.message import QUEUE

NEVER = 0.0


def waiting_batches(client: redis.Redis, run: str) -> set[str]:
    """Batches whose message waits in the queue or is held by a worker.

    The queue is first-in, first-out: a batch queued before the oldest waiting message, and held by no
    worker, is lost. That happens to a worker killed between popping a message and recording it.
    """
    marks = LiveRun(client, run).read_queued()
    since = served_since(client)
    # Read after the queue: a message popped in between is held by now.
    held = {message.batch_id for message in held_messages(client) if message.run == run}
    if since is None:
        return held
    return held | {batch for batch, at in marks.items() if at >= since}


def served_since(client: redis.Redis) -> float | None:
    """Time of queueing of the oldest waiting message; None for an empty queue."""
    if not client.llen(QUEUE):
        return None
    oldest = oldest_waiting(client)
    if oldest is None:
        return NEVER
    return LiveRun(client, oldest.run).read_queued_at(oldest.batch_id) or NEVER
