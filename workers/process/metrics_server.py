"""`/metrics` of a worker: the parent serves the metrics of its children, dead ones included."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from common.errors import FleetError
from common.settings import HealthSettings, MetricsSettings
from workers.health import READY
from workers.process.metrics_folder import make_folder, merge_dead

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
MERGE_EVERY = 10.0
"""Seconds, where nobody scrapes."""


class Children(Collector):
    """The children's metrics: those of dead ones are merged, their gauges gone. Needs a fresh folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._merged: Collector = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]
        self._moving = threading.Lock()

    def collect(self) -> Iterable[Metric]:
        with self._moving:
            merge_dead(self._folder)
            return self._merged.collect()

    def keep_small(self) -> None:
        """Merge for ever, as children die."""
        while True:
            time.sleep(MERGE_EVERY)
            with self._moving:
                merge_dead(self._folder)


class Readiness(Collector):
    """The answer to probes: a live worker that cannot work differs from one that works."""

    def __init__(self, folder: Path) -> None:
        self._sign = folder / READY

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "fleet_worker_ready", "Whether this worker is ready for batches.", value=self._sign.exists()
        )


def serve_metrics(settings: MetricsSettings, health: HealthSettings) -> None:
    """Serve from a thread, started before the children, which inherit the metrics folder.

    Raises:
        FleetError: the port is taken.
    """
    if not settings.port:
        return
    folder = make_folder()
    os.environ[VARIABLE] = str(folder)
    children = Children(folder)
    registry = CollectorRegistry()
    registry.register(children)
    if health.folder is not None:
        registry.register(Readiness(Path(health.folder)))
    try:
        start_http_server(settings.port, settings.address, registry)
    except OSError as error:
        raise FleetError(
            f"{settings.address}:{settings.port}: {error.strerror or error}; choose another port"
        ) from error
    threading.Thread(target=children.keep_small, name="metrics", daemon=True).start()
