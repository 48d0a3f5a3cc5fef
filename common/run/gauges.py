"""The gauges of a run, whose values the producer reads."""

from typing import NamedTuple


class LabelledGauge(NamedTuple):
    """A gauge; `label` tells its series apart."""

    name: str
    meaning: str
    label: str | None = None


BATCHES = LabelledGauge(
    "fleet_run_batches", "Batches: `total`, `done`, `queued`, `running`, `dead`, `missing`.", "state"
)
ROWS = LabelledGauge("fleet_run_rows", "Rows: `total`, `done`.", "state")
SECONDS_LEFT = LabelledGauge(
    "fleet_run_seconds_left", "Time left at the present rate; absent while it is unknown."
)
RUN_GAUGES = (BATCHES, ROWS, SECONDS_LEFT)
