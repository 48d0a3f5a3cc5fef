"""Connections to the broker, and their errors as one line."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis
from kombu.exceptions import KombuError
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.queue.broker_url import BrokerError, parse_broker_url

ADVICE = {
    ("nopermission", "no permissions"): "give this user the rights of docs/brokers.md",
    ("crossslot", "same slot", "clusterdown", "slot not served", "moved"): (
        "a Redis cluster cannot serve; name a single server"
    ),
    ("maxconnections", "max number of clients"): "raise the server's maxclients",
    ("readonly",): "name the primary: a replica takes no writes",
    (
        "wrongtype",
    ): "a stranger wrote over a key of the fleet; find it among fleet:* and caption.v1*, and delete it",
    ("outofmemory",): "raise the server's maxmemory, or make room",
    ("authentication", "authorization"): "correct the user and the password in FLEET_BROKER_URL",
}
"""The remedy, by signs in an error's class and words: redis-py has classes for some, and words for all."""
UNKNOWN = "is the broker up, and FLEET_BROKER_URL right?"
TIMEOUT = 10


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
            encoding_errors="backslashreplace",  # foreign bytes raise nothing
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
