"""What the fleet shares about hosts, in Redis."""

from common.settings import Settings
from workers.fetch.hosts import SLACK
from workers.manners.redis_shared import RedisShared


def open_shared(settings: Settings) -> RedisShared:
    """The state that all workers of these settings share, for one batch.

    Raises:
        BrokerError: its address can never work.
    """
    return RedisShared(settings.manners.url or settings.broker_url, settings.fetch.timeout + SLACK)
