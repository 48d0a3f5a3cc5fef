"""The processes that share a card begin their batches at different times.

A batch ends with a wait for its last links, while the card serves the other process. Of two batches in step
both would wait at once; once they are further apart than that wait, they drift further apart by themselves.
"""

import math
import time

from common.queue.broker import connect
from common.settings import Settings
from workers.delivery.outage import tolerating_outage
from workers.delivery.worker_id import worker_id
from workers.device.share import card_number, process_index, processes_on_card

APART = 1.5
"""Times the longest wait for a link."""

LONG = 3.0
"""Times that distance: shorter batches come and go too fast to be kept apart."""

LOOK = 0.2
"""Seconds between two looks at the neighbour."""


class Stagger:
    """The distance that this process keeps from its neighbour."""

    def __init__(self) -> None:
        self._last = math.inf  # seconds of this process's last batch: the first is kept apart, too

    def record(self, seconds: float) -> None:
        """Note how long a batch took."""
        self._last = seconds

    def wait(self, settings: Settings) -> None:
        """Return once no process of this card began a batch just before."""
        apart = settings.fetch.timeout * APART
        if processes_on_card() == 1 or self._last < apart * LONG:
            return
        key = f"fleet:began:{worker_id()}:{card_number()}"
        end = time.monotonic() + apart
        with tolerating_outage(), connect(settings.broker_url) as client:
            while not client.set(key, process_index(), nx=True, px=int(apart * 1000)):
                if time.monotonic() > end:
                    return
                time.sleep(LOOK)


stagger = Stagger()
