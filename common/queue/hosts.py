"""The hosts that a fleet asks, in Redis: slots, quiet, and which of them hold it back.

A slot is a lease: a member of a sorted set whose score is its end on Redis' clock. So nothing is renewed, and
the slots of a killed worker are free once their leases end. All times are Redis' own, in milliseconds.
"""

from dataclasses import dataclass
from typing import Any

import redis

from common.queue.numbers import parse_count

PREFIX = "fleet:host"
QUIET = "fleet:hosts:quiet"  # sorted set: host by the end of its quiet
FULL = "fleet:hosts:full"  # sorted set: host by the time when a wish for it was last in vain
WINDOW = 60
"""Seconds: hosts that were full in them hold the fleet back; so long their requests are counted."""

EXCHANGE = """
-- ARGV: lease, kept failures, window, longest pause; n, (host, slot)*n released; n, (host, pause or -1, first
-- pause, reason)*n quiet; then (host, slot, limit, most, interval)* wanted. All times in ms.
-- Where the most is above the limit, the limit may have grown: host_answers.py.
-- Returns for each that is wanted: "+limit" granted, "*limit" granted while others wait, "-limit" full,
-- "ms reason" quiet.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease, kept, window, longest = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local P, QUIET, FULL = KEYS[1], KEYS[2], KEYS[3]
local at, out = 5, {}
local function take() at = at + 1; return ARGV[at - 1] end
local function silence(host, ms, reason)
  local key = P .. ':quiet:' .. host
  if ms > 0 and redis.call('PTTL', key) < ms then
    redis.call('SET', key, reason, 'PX', ms)
    if reason ~= '' then
      redis.call('ZADD', QUIET, now + ms, host)
      redis.call('ZREMRANGEBYSCORE', QUIET, '-inf', now)
    end
  end
end
for _ = 1, tonumber(take()) do
  local host, slot = take(), take()
  redis.call('ZREM', P .. ':slots:' .. host, slot)
end
for _ = 1, tonumber(take()) do
  local host, ms, first, reason = take(), tonumber(take()), tonumber(take()), take()
  if ms < 0 then
    local key = P .. ':failures:' .. host
    local failures = redis.call('INCR', key)
    redis.call('PEXPIRE', key, kept)
    ms = math.floor(math.min(first * 2 ^ math.min(failures - 1, 32), longest))
  end
  silence(host, ms, reason)
end
while at <= #ARGV do
  local host, slot = take(), take()
  local limit, most, interval = tonumber(take()), tonumber(take()), tonumber(take())
  local key, quiet = P .. ':slots:' .. host, P .. ':quiet:' .. host
  local left = redis.call('PTTL', quiet)
  if left > 0 then
    out[#out + 1] = left .. ' ' .. redis.call('GET', quiet)
  else
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    if most > limit then limit = tonumber(redis.call('HGET', P .. ':growth:' .. host, 'limit')) or limit end
    if redis.call('ZCARD', key) < limit then
      redis.call('ZADD', key, now + lease, slot)
      redis.call('PEXPIRE', key, lease)
      silence(host, interval, '')
      out[#out + 1] = (redis.call('ZSCORE', FULL, host) and '*' or '+') .. limit
    else
      redis.call('ZADD', FULL, now, host)
      redis.call('ZREMRANGEBYSCORE', FULL, '-inf', now - window)
      out[#out + 1] = '-' .. limit
    end
  end
end
return out
"""
"""The one call for many hosts."""


@dataclass(frozen=True, slots=True)
class QuietHost:
    """A host that nobody asks now.

    Args:
        host: its name.
        seconds: for which it stays so.
        reason: a status and a detail.
    """

    host: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class FullHost:
    """A host whose budget holds the fleet back.

    Args:
        host: its name.
        slots: that are held now.
        per_second: requests that its budget permits, as measured; None where there is no measure yet.
    """

    host: str
    slots: int
    per_second: float | None


def read_quiet_hosts(client: redis.Redis, most: int = 20) -> list[QuietHost]:
    """The hosts that are left alone for longest."""
    now = _now(client)
    found: Any = client.zrevrangebyscore(QUIET, "+inf", now, start=0, num=most, withscores=True)
    reasons = client.mget([f"{PREFIX}:quiet:{host}" for host, _ in found]) if found else []
    return [
        QuietHost(str(host), (float(end) - now) / 1000, str(reason or ""))
        for (host, end), reason in zip(found, reasons, strict=True)
    ]


def read_full_hosts(client: redis.Redis, most: int = 20) -> list[FullHost]:
    """The hosts that held the fleet back in the last minute, the latest first."""
    now = _now(client)
    hosts: Any = client.zrevrangebyscore(FULL, "+inf", now - 1000 * WINDOW, start=0, num=most)
    pipeline = client.pipeline(transaction=False)
    for host in hosts:
        pipeline.zcount(f"{PREFIX}:slots:{host}", now, "+inf")
        pipeline.get(f"{PREFIX}:rate:{host}")
        pipeline.pttl(f"{PREFIX}:rate:{host}")
    answers = iter(pipeline.execute())
    return [
        FullHost(str(host), int(slots), _rate(count, left))
        for host, slots, count, left in zip(hosts, answers, answers, answers, strict=False)
    ]


def count_hosts(client: redis.Redis) -> tuple[int, int]:
    """How many hosts held the fleet back in the last minute, and how many are left alone."""
    now = _now(client)
    full: Any = client.zcount(FULL, now - 1000 * WINDOW, "+inf")
    quiet: Any = client.zcount(QUIET, now, "+inf")
    return int(full), int(quiet)


def _rate(count: str | None, left: int) -> float | None:
    answers, seconds = parse_count(count), WINDOW - left / 1000
    return answers / seconds if answers and left > 0 and seconds > 1 else None


def _now(client: redis.Redis) -> float:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) / 1000
