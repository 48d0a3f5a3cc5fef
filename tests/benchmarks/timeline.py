"""Two clocks of a pass: the host's, measured, and the device's, predicted; how long the device waits."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

LAUNCH_US: Final = 7.8  # of a kernel by the host, measured beside the H200
_MILLI: Final = 1e3


@dataclass
class Timeline:
    """Times in milliseconds from the pass's begin."""

    pace: float  # of the measuring host: its times are multiplied by this
    clock: Callable[[], float] = time.thread_time  # seconds of this thread's processor time
    host: float = 0  # now, for the host
    device: float = 0  # when the device has done all that was launched
    idle: float = 0  # in which the device had nothing to do
    host_work: float = 0  # of the host in all, whether the device waited or not
    _counts: bool = field(default=True, init=False)
    _since: float = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._since = self.clock()

    @contextmanager
    def spent(self, *, by_host: bool) -> Iterator[None]:
        """Whose time it is within: what stands for the device's kernels is not the host's work."""
        before = self._counts
        self._turn(by_host)
        try:
            yield
        finally:
            self._turn(before)

    def launch(self, duration: float, launches: int) -> None:
        """The host has launched what keeps the device busy for `duration`."""
        self._turn(self._counts)
        began = max(self.host, self.device)
        self.idle += began - self.device
        self._work(launches * LAUNCH_US / _MILLI)
        self.device = max(began + duration, self.host)
        self.idle += max(0, self.device - began - duration)

    def wait(self, until: float) -> None:
        """The host waits until the device is as far as `until`."""
        self._turn(self._counts)
        self.host = max(self.host, until)

    def finish(self) -> None:
        """The pass is over: the device has waited for what the host did since its last launch."""
        self._turn(self._counts)
        self.idle += max(0, self.host - self.device)

    def _turn(self, counts: bool) -> None:
        now = self.clock()
        if self._counts:
            self._work(_MILLI * self.pace * (now - self._since))
        self._counts, self._since = counts, now

    def _work(self, milliseconds: float) -> None:
        self.host += milliseconds
        self.host_work += milliseconds
