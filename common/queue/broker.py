"""Direct access to Redis beneath Celery; the only file that knows kombu's key names."""

import base64
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.queue.broker_url import BrokerError, parse_broker_url
from common.queue.message import QUEUE, Message

UNACKED = "fleet:unacked"  # hash: delivery tag -> message that a worker holds
UNACKED_INDEX = "fleet:unacked:index"  # sorted set: delivery tag by the time of its last renewal
UNACKED_MUTEX = "fleet:unacked:mutex"  # held by the worker that sweeps
SET_ASIDE = f"{QUEUE}.set-aside"
SET_ASIDE_KEPT = 1000
PROBE = "fleet:probe"
KEEPS_ALL = "noeviction"
ADVICE = {
    ("nopermission", "no permissions"): "give this user the rights of docs/brokers.md",
    ("crossslot", "same slot", "clusterdown", "slot not served", "moved"): (
        "a Redis cluster cannot serve; name a single server"
    ),
    ("maxconnections", "max number of clients"): "raise the server's maxclients",
    ("readonly",): "name the primary: a replica takes no writes",
    ("outofmemory",): "raise the server's maxmemory, or make room",
    ("authentication", "authorization"): "correct the user and the password in FLEET_BROKER_URL",
}
"""The remedy, by signs in an error's class and words: redis-py has classes for some, and words for all."""
UNKNOWN = "is the broker up, and FLEET_BROKER_URL right?"
TIMEOUT = 10

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QueueLength:
    """Messages waiting, and messages held by workers."""

    waiting: int
    held: int

    @property
    def total(self) -> int:
        return self.waiting + self.held


def connect(url: str) -> redis.Redis:
    """A client for the broker's address.

    Raises:
        BrokerError: the address can never work.
    """
    address = parse_broker_url(url)
    try:
        return redis.Redis.from_url(
            address.redis,
            decode_responses=True,
            encoding_errors="backslashreplace",  # what strangers wrote is no traceback
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
        )
    except (ValueError, redis.RedisError) as error:
        raise BrokerError(f"{address.shown}: {error}; correct FLEET_BROKER_URL") from error


def connect_once(url: str) -> redis.Redis:
    """A client that tries everything once, and waits for no broker that is away.

    Raises:
        BrokerError: the address can never work.
    """
    client = connect(url)
    client.set_retry(Retry(NoBackoff(), 0))
    return client


@contextmanager
def broker_errors(url: str) -> Iterator[None]:
    """Turn the exceptions of redis-py and of kombu into one line about the broker; passwords are masked.

    Raises:
        BrokerError: in their place.
    """
    try:
        yield
    except (redis.RedisError, KombuError) as error:
        raise describe_error(url, error) from error


def describe_error(url: str, error: Exception) -> BrokerError:
    """One line of an exception of redis-py or of kombu: cause, place, remedy."""
    line = " ".join(str(error).split())
    return BrokerError(f"{parse_broker_url(url).shown}: {line}; {_advice(error)}")


def _advice(error: BaseException) -> str:
    """The remedy; kombu wraps redis-py's errors."""
    cause = error if isinstance(error, redis.RedisError) else error.__cause__ or error
    text = f"{type(cause).__name__} {error}".lower()
    return next((advice for signs, advice in ADVICE.items() if any(sign in text for sign in signs)), UNKNOWN)


def warn_of_eviction(client: redis.Redis) -> None:
    """Say so where the server may evict the queue, or where its policy cannot be seen."""
    try:
        memory = client.info("memory")
    except redis.ResponseError:  # no right to look
        log.warning("the broker's maxmemory-policy cannot be seen; it has to be noeviction")
        return
    policy = str(memory.get("maxmemory_policy", KEEPS_ALL))
    if policy != KEEPS_ALL:
        log.warning(
            "the broker may evict the queue as a whole; set its maxmemory-policy to noeviction", policy=policy
        )


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
    try:
        return _parse_envelope(json.loads(raw)[0])
    except (ValueError, KeyError, TypeError, IndexError):  # foreign: Redis is untrusted
        return None


def _parse(raw: str) -> Message | None:
    try:
        return _parse_envelope(json.loads(raw))
    except (ValueError, TypeError):  # foreign as well
        return None


def _parse_envelope(envelope: Any) -> Message | None:
    try:
        _, fields, *_ = json.loads(base64.b64decode(envelope["body"]))
        return Message.model_validate(fields)
    except (ValueError, KeyError, TypeError):
        return None


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
    """Put messages that a worker holds back to the front of the queue; what nobody holds is left alone."""
    for tag in delivery_tags:
        held = client.hget(UNACKED, tag)
        if held is not None:
            give_back(client, [json.loads(str(held))[0]])


class BrokerView:
    """The broker as probes see it: one try each, no wait while it is away."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_away(self) -> bool:
        """Whether it does not answer now, or is still loading its data."""
        return self._length() is None

    def has_waiting(self) -> bool:
        """Whether the queue is known to hold messages."""
        return bool(self._length())

    def _length(self) -> int | None:
        with connect_once(self._url) as client:
            try:
                return int(client.llen(QUEUE))
            except redis.RedisError:
                return None


def set_aside(client: redis.Redis, body: str) -> None:
    """Keep a rejected message for an operator to inspect; the latest thousand stay."""
    pipeline = client.pipeline()
    pipeline.lpush(SET_ASIDE, body)
    pipeline.ltrim(SET_ASIDE, 0, SET_ASIDE_KEPT - 1)
    pipeline.execute()


def forget_queue(client: redis.Redis) -> None:
    """Drop every message. Only for a broker without workers: missing batches are enqueued again."""
    client.delete(QUEUE, UNACKED, UNACKED_INDEX, UNACKED_MUTEX)
