"""Following a run to its end."""

import time
from collections.abc import Callable

from common.console.progress import follow_progress
from common.queue.live import LiveRun
from producer.status import RunStatus, StatusReader

POLL_SECONDS = 0.5


def follow(reader: StatusReader, live: LiveRun, check: Callable[[], None]) -> RunStatus:
    """Poll the broker's hints until nothing is queued, then read the output.

    Args:
        reader: of the run.
        live: of the same run.
        check: called at each poll; raises to end it.
    """
    with follow_progress("captioning", reader.rows, unit="rows", idle="loading models") as show:
        while live.count_queued():
            check()
            counts = live.read_rows_by_status()
            show(counts.total() + sum(batch.done for batch in live.read_running()), counts)
            time.sleep(POLL_SECONDS)
        counts = live.read_rows_by_status()
        show(counts.total(), counts)
    return reader.read()
