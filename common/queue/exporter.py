"""`python -m common.queue.exporter`: gauges of queue and hosts for Prometheus, independent of any worker."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import redis
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.queue.broker import connect
from common.queue.host_metrics import HostMetrics
from common.queue.kombu_queue import QueueLength, queue_length
from common.queue.set_aside import SET_ASIDE
from common.settings import Settings


@dataclass(frozen=True, slots=True)
class Look:
    """The result of one query to the broker."""

    queue: QueueLength
    set_aside: int
    memory: Mapping[str, float]


class QueueGauge(NamedTuple):
    """A gauge of the queue, and where its value is in a look."""

    name: str
    meaning: str
    value: Callable[[Look], float]


UP = QueueGauge("fleet_broker_up", "Whether the broker answers.", lambda _: True)
GAUGES = (
    UP,
    QueueGauge("fleet_queue_waiting", "Batches in the queue, of all runs.", lambda it: it.queue.waiting),
    QueueGauge("fleet_queue_held", "Batches in the hands of workers, of all runs.", lambda it: it.queue.held),
    QueueGauge("fleet_queue_set_aside", "Messages kept for an operator to look at.", lambda it: it.set_aside),
    QueueGauge("fleet_broker_memory_bytes", "Memory of the broker.", lambda it: it.memory["used_memory"]),
    QueueGauge(
        "fleet_broker_memory_limit_bytes",
        "Its maxmemory; 0 is no limit.",
        lambda it: it.memory.get("maxmemory", 0),
    ),
)


class QueueMetrics(Collector):
    """Queries the broker at each scrape; if it is down, only `fleet_broker_up` is exported."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            look = self._look()
        except redis.RedisError:
            yield GaugeMetricFamily(UP.name, UP.meaning, value=False)
            return
        for gauge in GAUGES:
            yield GaugeMetricFamily(gauge.name, gauge.meaning, value=gauge.value(look))

    def _look(self) -> Look:
        client = self._client
        return Look(queue_length(client), int(client.llen(SET_ASIDE)), client.info("memory"))


def serve(settings: Settings, *collectors: Collector) -> None:
    """Serve the metrics of collectors until the process is stopped.

    Raises:
        FleetError: no port is set, or it is taken.
    """
    port, address = settings.metrics.port, settings.metrics.address
    if not port:
        raise FleetError("FLEET_METRICS_PORT is not set; name the port of /metrics")
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    try:
        _, thread = start_http_server(port, address, registry)
    except OSError as error:
        raise FleetError(f"{address}:{port}: {error.strerror or error}; choose another port") from error
    # As process 1 of a container it would ignore SIGTERM.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    thread.join()


def main() -> int:
    """Entry point; returns the exit code."""
    try:
        settings = load_settings()
        broker = connect(settings.broker_url)
        hosts = connect(settings.manners.url) if settings.manners.url else broker
        serve(settings, QueueMetrics(broker), HostMetrics(hosts))
    except FleetError as error:
        return fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
