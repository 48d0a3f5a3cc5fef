"""The gauges of a run, whose values the producer reads."""

from typing import NamedTuple


class RunGauge(NamedTuple):
    """A gauge of one run; `label` tells its series apart."""

    name: str
    meaning: str
    label: str | None = None


BATCHES = RunGauge(
    "fleet_run_batches", "Batches: `total`, `done`, `queued`, `running`, `dead`, `missing`.", "state"
)
ROWS = RunGauge("fleet_run_rows", "Rows: `total`, `done`.", "state")
SECONDS_LEFT = RunGauge(
    "fleet_run_seconds_left", "Time left at the present rate; absent while it is unknown."
)
RUN_GAUGES = (BATCHES, ROWS, SECONDS_LEFT)
