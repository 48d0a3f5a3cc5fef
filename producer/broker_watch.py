"""The broker's state of a run, polled."""

from dataclasses import dataclass

import redis

from common.queue.broker import broker_errors, connect
from common.queue.broker_url import BrokerError
from common.queue.last_return import Return
from common.queue.live import LiveRun
from common.queue.marks import Marks
from common.run.numbering import Numbering


@dataclass(frozen=True, slots=True)
class Hints:
    """Sets of batches by number, and counts.

    Args:
        queued: batches that wait or are held.
        running: batches with a recent beat.
        left: batches that left the queue since the last look.
        strangers: marks of batches that are not numbered.
        rows_running: rows that running batches have done.
        rows_by_status: of committed shards.
        rows_per_second: of all workers together.
        last_return: why a batch last went back to the queue.
    """

    queued: int
    running: int
    left: int
    strangers: int
    rows_running: int
    rows_by_status: dict[str, int]
    rows_per_second: float
    last_return: Return | None


class BrokerWatch:
    """The hints of one run; None while the broker is away."""

    def __init__(self, url: str, run: str, numbering: Numbering) -> None:
        self._url, self._run, self._numbering = url, run, numbering
        self._client: redis.Redis | None = None
        self._marks: Marks | None = None

    def look(self) -> Hints | None:
        try:
            with broker_errors(self._url):
                return self._look()
        except BrokerError:
            self._marks = None  # a broker that comes back may have forgotten
            return None

    def _look(self) -> Hints:
        self._client = self._client or connect(self._url)
        self._marks = self._marks or Marks(self._client, self._run, self._numbering)
        live = LiveRun(self._client, self._run)
        running = live.read_running()
        left = self._marks.refresh()
        return Hints(
            queued=self._marks.read_waiting(),
            running=self._numbering.bits(batch.batch for batch in running),
            left=left or 0,
            strangers=self._marks.strangers,
            rows_running=sum(batch.done for batch in running),
            rows_by_status=dict(live.read_rows_by_status()),
            rows_per_second=live.read_rows_per_second(),
            last_return=Return.read(self._client, self._run),
        )
