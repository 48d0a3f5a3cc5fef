"""The memory of the fleet's processes, watched while it runs."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from tests.faults.fleet import Fleet

EVERY = 0.5


@dataclass
class Peak:
    """The most that any one process held, in MB."""

    worker: int = 0
    decoder: int = 0

    def look(self, fleet: Fleet) -> None:
        for worker in fleet.workers:
            with suppress(psutil.Error):
                parent = psutil.Process(worker.pid)
                for process in [parent, *parent.children(recursive=True)]:
                    self._look_at(process)

    def _look_at(self, process: psutil.Process) -> None:
        with suppress(psutil.Error):
            size = process.memory_info().rss >> 20
            if "workers.decode" in process.cmdline():
                self.decoder = max(self.decoder, size)
            else:
                self.worker = max(self.worker, size)


@contextmanager
def watch_memory(fleet: Fleet) -> Iterator[Peak]:
    """Look every half second until the block ends."""
    peak, over = Peak(), threading.Event()

    def look() -> None:
        while not over.wait(EVERY):
            peak.look(fleet)

    thread = threading.Thread(target=look, name="memory", daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
