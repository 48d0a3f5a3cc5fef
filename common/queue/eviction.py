"""Whether the broker may evict the queue."""

import redis
import structlog

KEEPS_ALL = "noeviction"

log = structlog.get_logger(__name__)


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
