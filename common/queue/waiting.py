"""Which batches of a run are really on their way, without ever scanning the queue."""

import redis

from common.queue.broker import held_messages, oldest_waiting
from common.queue.live import LiveRun
from common.queue.message import QUEUE

NEVER = 0.0


def waiting_batches(client: redis.Redis, run: str) -> set[str]:
    """Batches whose message waits in the queue or is held by a worker.

    The queue is served in order, so a batch that was queued before the oldest message in it, and that no
    worker holds, is lost: a worker killed between popping a message and noting it takes it along.
    """
    marks = LiveRun(client, run).queued()
    since = _served_since(client)
    # After the look at the queue: what is popped in between is held by now.
    held = {message.batch_id for message in held_messages(client) if message.run == run}
    if since is None:
        return held
    return held | {batch for batch, at in marks.items() if at >= since}


def _served_since(client: redis.Redis) -> float | None:
    """When the oldest waiting message was queued; None where none waits."""
    if not client.llen(QUEUE):
        return None
    oldest = oldest_waiting(client)
    if oldest is None:
        return NEVER
    return LiveRun(client, oldest.run).queued_at(oldest.batch_id) or NEVER
