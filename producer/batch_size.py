"""Rows of a batch where there is no GPU: the usual ones would outlast their time limit many times over."""

import structlog

from common.run.model_refs import PACKAGED, model_names
from common.settings import Settings

USUAL = 10_000
IMAGE_SECONDS = 7.5
"""Of the full-size cascade on two cores (docs/performance.md)."""
MARGIN = 10
"""So many times slower a machine may be."""

log = structlog.get_logger(__name__)


def batch_rows_without_gpu(settings: Settings) -> int:
    """Rows that end far within `FLEET_LEASE_TIME_LIMIT`: 96 by default, in some twelve minutes."""
    return min(USUAL, max(1, int(settings.lease.time_limit / (IMAGE_SECONDS * MARGIN))))


def warn_of_long_batches(batch_rows: int, settings: Settings) -> None:
    """Of a run whose batches were cut for a GPU, or by hand."""
    seconds = batch_rows * IMAGE_SECONDS
    if seconds > settings.lease.time_limit and not model_names(settings)[0].startswith(PACKAGED):
        log.warning(
            "without a GPU a batch may outlast FLEET_LEASE_TIME_LIMIT; raise it, or start a run of fewer rows"
            " a batch (--batch-rows)",
            batch_rows=batch_rows,
            seconds_expected=round(seconds),
            time_limit=settings.lease.time_limit,
        )
