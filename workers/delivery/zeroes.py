"""Labelled counters exist from the start: Prometheus sees no increase in one that is born as 1."""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import Counter

from common.errors import FleetError
from common.metrics import ATTEMPTS, DEAD, OPT_OUTS, PUT_BACK, ROWS
from common.run.failure_record import Reason
from common.run.status import Status
from common.signs import NAMES
from workers.delivery.observer import COUNTED_ENDS

LIBRARIES = ("ConnectionError", "TimeoutError", "ResponseError")
"""Classes of Redis' errors."""


def _labels(kind: type[FleetError]) -> Iterator[str]:
    for one in kind.__subclasses__():
        yield one.label
        yield from _labels(one)


VALUES: Mapping[Counter, Iterable[str]] = {
    ROWS: Status,
    OPT_OUTS: NAMES,
    ATTEMPTS: COUNTED_ENDS,
    PUT_BACK: sorted({*_labels(FleetError), *LIBRARIES}),
    DEAD: Reason,
}
"""Every value of each counter's label."""


def show_zeroes() -> None:
    """Count nothing, under every label, in this process."""
    for counter, values in VALUES.items():
        for value in values:
            counter.labels(str(value))
