"""The queue in Redis beneath Celery; the only file that knows kombu's key names."""

import base64
import json
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import redis

from common.queue.message import QUEUE, Message

UNACKED = "fleet:unacked"  # hash: delivery tag -> message that a worker holds
UNACKED_INDEX = "fleet:unacked:index"  # sorted set: delivery tag by the time of its last renewal
UNACKED_MUTEX = "fleet:unacked:mutex"  # held by the worker that sweeps
PROBE = "fleet:probe"
LONGEST_ENTRY = 100_000
"""Bytes of an entry of the queue that is looked into; ours take 900."""

FOREIGN = (ValueError, KeyError, TypeError, IndexError, RecursionError)
"""What reading a stranger's entry raises: Redis is untrusted."""


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Messages waiting, and messages held by workers."""

    waiting: int
    held: int

    @property
    def total(self) -> int:
        return self.waiting + self.held


def queue_length(client: redis.Redis) -> QueueLength:
    """Length of the queue, all runs together."""
    return QueueLength(int(client.llen(QUEUE)), int(client.hlen(UNACKED)))


def first_waiting(client: redis.Redis, count: int) -> list[Message | None]:
    """The messages at the head of the queue, the next one last; None for one that is not ours."""
    return [_parse(str(raw)) for raw in client.lrange(QUEUE, -count, -1)]


def held_messages(client: redis.Redis) -> list[Message]:
    """Messages held by workers, at most one a worker process."""
    held = (_parse_held(str(raw)) for raw in client.hvals(UNACKED))
    return [message for message in held if message is not None]


def _parse_held(raw: str) -> Message | None:
    if len(raw) > LONGEST_ENTRY:
        return None
    try:
        return _parse_envelope(json.loads(raw)[0])
    except FOREIGN:
        return None


def _parse(raw: str) -> Message | None:
    if len(raw) > LONGEST_ENTRY:
        return None
    try:
        return _parse_envelope(json.loads(raw))
    except FOREIGN:
        return None


def _parse_envelope(envelope: Any) -> Message:
    """Raises one of FOREIGN unless the envelope is ours."""
    _, fields, *_ = json.loads(base64.b64decode(envelope["body"]))
    return Message.model_validate(fields)


def renew_lease(client: redis.Redis, delivery_tag: str) -> None:
    """Extend the visibility time-out of a held message."""
    client.zadd(UNACKED_INDEX, {delivery_tag: time.time()}, xx=True)


def give_back(client: redis.Redis, raws: Iterable[Mapping[str, Any]]) -> None:
    """Put messages that were popped back to the front of the queue, and no longer hold them.

    Also without a message it proves that the broker takes writes.

    Args:
        client: of the broker.
        raws: messages as they lay in the queue.

    Raises:
        redis.ResponseError: it refuses, being full or read-only.
    """
    pipeline = client.pipeline()
    pipeline.set(PROBE, 1, px=1000)
    for raw in raws:
        tag = raw["properties"]["delivery_tag"]
        pipeline.zrem(UNACKED_INDEX, tag)
        pipeline.hdel(UNACKED, tag)
        pipeline.rpush(QUEUE, json.dumps(raw))
    pipeline.execute()


def return_held(client: redis.Redis, delivery_tags: Iterable[str]) -> None:
    """Put messages that a worker holds back to the front of the queue; tags no longer held are skipped.

    So is what a stranger wrote in the place of one: the next sweep sets it aside.
    """
    for tag in delivery_tags:
        held = client.hget(UNACKED, tag)
        if held is not None:
            with suppress(*FOREIGN, redis.DataError):
                give_back(client, [json.loads(str(held))[0]])


def forget_queue(client: redis.Redis) -> None:
    """Drop every message. Only for a broker without workers: missing batches are enqueued again."""
    client.delete(QUEUE, UNACKED, UNACKED_INDEX, UNACKED_MUTEX)
