"""The hosts that hold a fleet back, or are left alone, for Prometheus: at most `MOST` by name at once."""

from collections.abc import Iterator

import redis
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.queue.hosts import count_hosts, read_full_hosts, read_quiet_hosts
from common.run.gauges import LabelledGauge

MOST = 10
"""Hosts by name at each look: every name is a series of its own."""

FULL = LabelledGauge("fleet_hosts_full", "Hosts whose budget held the fleet back in the last minute.")
QUIET = LabelledGauge("fleet_hosts_quiet", "Hosts that asked for peace, or are out of reach, and have it.")
RATE = LabelledGauge(
    "fleet_host_full_rate", f"Answers a second that the budget of such a host permits; {MOST} hosts.", "host"
)
SLOTS = LabelledGauge("fleet_host_full_slots", f"Its slots that are held; {MOST} hosts.", "host")
SECONDS = LabelledGauge("fleet_host_quiet_seconds", f"For how long a host has peace; {MOST} hosts.", "host")
HOST_GAUGES = (FULL, QUIET, RATE, SLOTS, SECONDS)


class HostMetrics(Collector):
    """Queries Redis at each scrape; nothing is exported while it is down, or forbids it."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            yield from self._look()
        except redis.RedisError:
            return

    def _look(self) -> list[GaugeMetricFamily]:
        full, quiet = read_full_hosts(self._client, MOST), read_quiet_hosts(self._client, MOST)
        numbers = zip((FULL, QUIET), count_hosts(self._client), strict=True)
        return [
            *(GaugeMetricFamily(gauge.name, gauge.meaning, value=value) for gauge, value in numbers),
            _by_host(RATE, {one.host: one.per_second for one in full if one.per_second is not None}),
            _by_host(SLOTS, {one.host: one.slots for one in full}),
            _by_host(SECONDS, {one.host: one.seconds for one in quiet}),
        ]


def _by_host(gauge: LabelledGauge, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=["host"])
    for host, value in values.items():
        family.add_metric([host], value)
    return family
