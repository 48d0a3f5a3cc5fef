"""One host as this process sees it: who waits for its slots, which are held, and how often it failed."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from common.delay import LONGEST, backoff_delay
from common.run.status import Status
from workers.fetch.failure import Failure
from workers.fetch.places import Places
from workers.fetch.shared import Quiet

TOLERATED = 5  # consecutive failures before a host is left alone
MAX_QUIET = 3600.0
SLACK = 5.0
"""Seconds that a lease outlasts its URL."""

LONGEST_LEASE = 30.0
"""Seconds: then the slots of a killed worker are free, however long a URL may take."""

FIRST_LOOK = 0.05
LAST_LOOK = 1.0
"""Seconds between two looks for a free slot: the first, and the longest."""


@dataclass(slots=True, eq=False)
class Slot:
    """A slot that the fleet gave to this process.

    Args:
        host: of the slot.
        name: of the slot.
        until: on the monotonic clock; then it is somebody else's.
    """

    host: "Host"
    name: str
    until: float

    def lasts(self, seconds: float) -> bool:
        """Whether a request of so many seconds fits into its lease: a process may have stood still."""
        return self.until - time.monotonic() >= min(seconds, LONGEST_LEASE - SLACK)


@dataclass(slots=True, eq=False)
class Turn:
    """Somebody who waits for a slot, at his place among those at work or aside."""

    slot: asyncio.Future[Slot]
    is_aside: bool = False


@dataclass(slots=True, eq=False)
class Host:
    """A host.

    Args:
        name: of the host.
        limit: slots of the whole fleet, as they are known here.
        places: those who wait leave theirs.
        most: to which the limit may grow; 0 where it does not.

    Attributes:
        usual: the limit before any growth.
        is_contended: whether its slots did not suffice.
        held: slots that are used.
        wished: slots that are being asked for.
        ask_at: on the monotonic clock; before, no slot is to be had.
        reason: of the quiet until then, if it is one.
    """

    name: str
    limit: int
    places: Places
    most: int = 0
    usual: int = field(init=False)
    is_contended: bool = False
    users: int = 0
    interval: float = 0.0
    held: int = 0
    wished: int = 0
    failures: int = 0
    ask_at: float = 0.0
    reason: str = ""
    look: float = FIRST_LOOK
    turns: deque[Turn] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.usual, self.most = self.limit, max(self.limit, self.most)

    @property
    def grows(self) -> bool:
        """Whether its budget grows."""
        return self.most > self.usual

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits, so that a connection will be reused."""
        return bool(self.turns)

    @property
    def wanted(self) -> int:
        """Slots to ask for now: those aside come back only where there is room."""
        free = max(0, self.limit - self.held)
        if self.places.room:
            return min(len(self.turns), free) - self.wished
        return sum(not turn.is_aside for turn in islice(self.turns, free)) - self.wished

    def queue(self) -> Turn:
        """Wait for a slot; at once aside where others do so."""
        turn = Turn(asyncio.get_running_loop().create_future())
        self.turns.append(turn)
        if self.ask_at > time.monotonic() or self.turns[0].is_aside:
            self._set_aside(turn)
        return turn

    def serve(self, slot: Slot) -> bool:
        """Give a slot to whoever waits longest; False where nobody does."""
        while self.turns:
            turn = self.turns.popleft()
            self._call_back(turn)
            if not turn.slot.done():
                turn.slot.set_result(slot)
                self.held += 1
                return True
        return False

    def refuse(self, failure: Failure) -> None:
        """Nobody waits any longer: each row has the failure."""
        self.end(lambda: Failure(failure.status, failure.detail))

    def end(self, make: Callable[[], BaseException]) -> None:
        """Nobody waits any longer: everybody gets an exception."""
        while self.turns:
            turn = self.turns.popleft()
            self._call_back(turn)
            if not turn.slot.done():
                turn.slot.set_exception(make())
                turn.slot.exception()  # its row may have been cancelled

    @property
    def quiet(self) -> float:
        """Seconds for which the host is left alone."""
        return self.ask_at - time.monotonic() if self.reason else 0.0

    def hold_back(self, seconds: float, reason: str = "") -> None:
        """No slot is to be had for so long."""
        self.ask_at, self.reason = time.monotonic() + seconds, reason
        for turn in self.turns:
            self._set_aside(turn)

    def look_later(self) -> None:
        """All slots are taken: look again, and later each time."""
        self.is_contended = True
        self.hold_back(self.look * random.uniform(0.75, 1.25))  # noqa: S311 - jitter
        self.look = min(2 * self.look, LAST_LOOK)

    def shrink(self) -> None:
        """After a complaint, before the fleet says so."""
        self.limit = max(self.usual, self.limit // 2)

    def _set_aside(self, turn: Turn) -> None:
        if not turn.is_aside:
            turn.is_aside = True
            self.places.leave()

    def _call_back(self, turn: Turn) -> None:
        if turn.is_aside:
            turn.is_aside = False
            self.places.come_back()

    def record(self, failure: Failure | None) -> Quiet | None:
        """Count a consecutive failure of the host; the quiet that it brings, if any."""
        if failure is None or not failure.trips:
            self.failures = 0
            return None
        self.failures += 1
        reason = f"{failure.status} {failure.detail}"
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 - jitter
        if failure.is_busy:
            asked = None if failure.busy_for is None else min(failure.busy_for, MAX_QUIET)
            return Quiet(self.name, asked, backoff_delay(1) * jitter, reason)
        if self.failures < TOLERATED:
            return None
        pause = backoff_delay(self.failures - TOLERATED + 1) * jitter
        return Quiet(self.name, min(pause, LONGEST), 0.0, reason)


def lease_of(timeout: float) -> float:
    """Seconds for which a slot is lent to a URL that may take `timeout` seconds."""
    return min(timeout + SLACK, LONGEST_LEASE)


def quiet_failure(reason: str) -> Failure:
    """The failure of a row whose host is left alone for too long; the reason is a status and a detail."""
    status, _, detail = reason.partition(" ")
    return Failure(Status(status), f"host left alone after {detail}")
