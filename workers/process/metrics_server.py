"""`/metrics` of a worker: the parent serves the metrics of its children, dead ones included."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from common.errors import FleetError
from common.settings import HealthSettings, MetricsSettings
from workers.health import READY

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
LIVE = "gauge_live*_*.db"


class Children(Collector):
    """The children's metrics, without the gauges of dead ones. Needs a fresh folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._merged: Collector = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        for file in self._folder.glob(LIVE):
            pid = int(file.stem.rpartition("_")[2])
            if not is_alive(pid):
                mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]
        return self._merged.collect()


class Readiness(Collector):
    """The answer to probes: a live worker that cannot work differs from one that works."""

    def __init__(self, folder: Path) -> None:
        self._sign = folder / READY

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(
            "fleet_worker_ready", "Whether this worker is ready for batches.", value=self._sign.exists()
        )


def is_alive(pid: int) -> bool:
    """Whether this user has a process of this id."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def serve_metrics(settings: MetricsSettings, health: HealthSettings) -> None:
    """Serve from a thread, started before the children, which inherit the metrics folder.

    Raises:
        FleetError: the port is taken.
    """
    if not settings.port:
        return
    folder = tempfile.mkdtemp(prefix="fleet-metrics-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[VARIABLE] = folder
    registry = CollectorRegistry()
    registry.register(Children(Path(folder)))
    if health.folder is not None:
        registry.register(Readiness(Path(health.folder)))
    try:
        start_http_server(settings.port, settings.address, registry)
    except OSError as error:
        raise FleetError(
            f"{settings.address}:{settings.port}: {error.strerror or error}; choose another port"
        ) from error
