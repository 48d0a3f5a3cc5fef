"""The trial of a broker, before anything depends on it."""

import redis

from common.queue.app import make_app
from common.queue.eviction import warn_of_eviction
from common.queue.kombu_queue import PROBE, UNACKED, give_back
from common.queue.message import QUEUE
from common.settings import Settings

KOMBU_KEYS = (f"_kombu.binding.{QUEUE}", f"_kombu.binding_permanent.{QUEUE}")
"""In which kombu declares the queue."""


def try_broker(client: redis.Redis, settings: Settings) -> None:
    """Run the fleet's commands against it, and leave nothing.

    Raises:
        redis.RedisError: it is away, or refuses.
        KombuError: the same.
    """
    client.exists(QUEUE, UNACKED)  # keys of two slots: a cluster refuses them
    give_back(client, [])  # a write, which a full one refuses
    client.delete(PROBE)
    for key in KOMBU_KEYS:
        _try_key(client, key)
    warn_of_eviction(client)
    app = make_app(settings)
    with app.connection_for_write() as connection:
        connection.default_channel.client.ping()


def _try_key(client: redis.Redis, key: str) -> None:
    """A write that changes nothing."""
    try:
        client.srem(key, "")
    except redis.exceptions.NoPermissionError as error:
        raise redis.exceptions.NoPermissionError(f"{key}: {error}") from error
