"""The clock of Redis, by which marks of different machines are compared."""

import redis


def redis_time(client: redis.Redis) -> float:
    """Seconds since 1970."""
    seconds, microseconds = client.time()
    return int(seconds) + int(microseconds) / 1e6
