"""The trial of a broker, before anything depends on it."""

import redis

from common.queue.app import make_app
from common.queue.broker import UNACKED, give_back, warn_of_eviction
from common.queue.message import QUEUE
from common.settings import Settings


def try_broker(client: redis.Redis, settings: Settings) -> None:
    """Do what the fleet is going to do with it; nothing is left but the queue's declaration.

    Raises:
        redis.RedisError: it is away, or refuses.
        KombuError: the same.
    """
    client.exists(QUEUE, UNACKED)  # keys of two slots: a cluster refuses them
    give_back(client, [])  # a write
    warn_of_eviction(client)
    app = make_app(settings)
    with app.connection_for_write() as connection:
        app.amqp.queues[QUEUE](connection.default_channel).declare()
