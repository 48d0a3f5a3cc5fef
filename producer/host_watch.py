"""The hosts that hold a fleet back, or are left alone, now."""

from dataclasses import dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from common.errors import FleetError
from common.queue.broker import connect
from common.queue.hosts import FullHost, QuietHost, read_full_hosts, read_quiet_hosts
from common.settings import Settings


@dataclass(frozen=True, slots=True)
class HostsNow:
    """Hosts of all runs that these settings' workers share.

    Args:
        quiet: left alone by everybody, the longest first.
        full: whose budget was spent in the last minute.
    """

    quiet: list[QuietHost]
    full: list[FullHost]


def read_hosts(settings: Settings) -> HostsNow | None:
    """The hosts; None where nobody knows, or there are none."""
    try:
        with connect(settings.manners.url or settings.broker_url) as client:
            client.set_retry(Retry(NoBackoff(), 0))
            found = HostsNow(read_quiet_hosts(client), read_full_hosts(client))
    except (redis.RedisError, FleetError):
        return None
    return found if found.quiet or found.full else None
