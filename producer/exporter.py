"""`python -m producer.exporter`: how far a run is, for Prometheus."""

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from threading import Thread

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from common.console.cli import fail, load_settings, output_uri
from common.console.logs import configure_logs
from common.errors import FleetError
from common.queue.exporter import serve
from common.run.gauges import BATCHES, ROWS, SECONDS_LEFT, LabelledGauge
from common.settings import Settings
from common.store import absolute_uri, open_store
from producer.run_status import RunStatus
from producer.status import StatusReader

log = structlog.get_logger(__name__)

EVERY = 30.0
"""Seconds between two looks, or five times what one takes: the first at a large run is half a minute."""


class RunMetrics(Collector):
    """Exports the last look at a run; nothing before the first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader: StatusReader | None = None
        self._state: RunStatus | None = None

    def look(self) -> None:
        """Read the state; a run that is not there, or a store that is away, is left for the next look."""
        try:
            self._reader = self._reader or self._open()
            self._state = self._reader.read()
        except FleetError as error:
            self._state = None
            log.warning("the run cannot be read", error=str(error))

    def look_for_ever(self) -> None:
        while True:
            began = time.monotonic()
            self.look()
            time.sleep(max(EVERY, 5 * (time.monotonic() - began)))

    def collect(self) -> Iterator[GaugeMetricFamily]:
        state = self._state
        if state is None:
            return
        yield _gauge(BATCHES, asdict(state.batches))
        yield _gauge(ROWS, {"total": state.rows.total, "done": state.rows.done})
        if state.eta_seconds is not None:
            yield GaugeMetricFamily(SECONDS_LEFT.name, SECONDS_LEFT.meaning, value=state.eta_seconds)

    def _open(self) -> StatusReader:
        uri = absolute_uri(output_uri(None, self._settings))
        return StatusReader(open_store(uri, self._settings.s3), self._settings)


def _gauge(gauge: LabelledGauge, values: Mapping[str, float | None]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=[gauge.label or ""])
    for state, value in values.items():
        if value is not None:
            family.add_metric([state], value)
    return family


def main() -> int:
    """Entry point; returns the exit code."""
    configure_logs()
    try:
        settings = load_settings()
        metrics = RunMetrics(settings)
        Thread(target=metrics.look_for_ever, daemon=True).start()
        serve(settings, metrics)
    except FleetError as error:
        return fail(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
