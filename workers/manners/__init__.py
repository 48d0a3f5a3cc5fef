"""What the fleet shares about hosts, in Redis."""

from common.settings import Settings
from workers.fetch.host import lease_of
from workers.manners.redis_shared import RedisShared


def open_shared(settings: Settings) -> RedisShared:
    """The state that all workers of these settings share, for one batch.

    Raises:
        BrokerError: its address can never work.
    """
    return RedisShared(settings.manners.url or settings.broker_url, lease_of(settings.fetch.timeout))
