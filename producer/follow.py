"""Following a run to its end."""

import time
from collections.abc import Callable

from common.console.progress import follow_progress
from common.errors import FleetError
from common.queue.last_return import Return
from common.queue.live import LiveRun
from common.queue.queued_batches import QueuedBatches
from producer.run_status import RunStatus
from producer.status import StatusReader

POLL_SECONDS = 0.5

LASTING_PATIENCE = 10.0
"""Seconds in which an error that no waiting mends may still turn out to be one worker's."""


def follow(
    reader: StatusReader,
    queued: QueuedBatches,
    live: LiveRun,
    read_return: Callable[[], Return | None],
    check: Callable[[], None],
) -> RunStatus:
    """Poll the broker's hints until nothing is queued, then read the output.

    Args:
        reader: of the run.
        queued: of the same run.
        live: of the same run.
        read_return: the latest reason for which a batch went back to the queue.
        check: called at each poll; raises to end it.

    Raises:
        FleetError: no waiting mends what makes the batches go back.
    """
    patience = _Patience()
    with follow_progress("captioning", reader.rows, unit="rows", idle="loading models") as show:
        while queued.count():
            check()
            returned = read_return()
            patience.check(returned)
            counts = live.read_rows_by_status()
            done = counts.total() + sum(batch.done for batch in live.read_running())
            show(done, counts, returned.reason if returned else "")
            time.sleep(POLL_SECONDS)
        counts = live.read_rows_by_status()
        show(counts.total(), counts)
    return reader.read()


class _Patience:
    """Ends the wait if the failure is lasting."""

    def __init__(self) -> None:
        self._since: float | None = None

    def check(self, returned: Return | None) -> None:
        if returned is None or not returned.is_lasting:
            self._since = None
            return
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since > LASTING_PATIENCE:
            raise FleetError(returned.reason)
