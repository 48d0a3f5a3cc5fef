"""What the workers of a fleet share about hosts: slots, quiet, and what is known of their files."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

FAILURES_KEPT = 120.0
"""Seconds after which a host's failures are forgotten."""


class Wish(NamedTuple):
    """A request for one slot of a host.

    Args:
        host: its name, whatever scheme and port: it is one machine.
        slot: a name of our own for the slot.
        limit: slots of the host in the whole fleet.
        most: to which the limit may have grown.
        interval: seconds from this start to the next one of anybody.
        held: slots of the host that this process holds or has asked for just before.
    """

    host: str
    slot: str
    limit: int
    most: int
    interval: float
    held: int


class Release(NamedTuple):
    """A slot that is free again.

    Args:
        host: of the slot.
        slot: its name.
    """

    host: str
    slot: str


class Quiet(NamedTuple):
    """A host that is to be left alone by everybody.

    Args:
        host: its name.
        seconds: None where the host did not say: they grow with its failures.
        first: the first of these growing pauses, in seconds, jitter included.
        reason: a status, a blank and a detail.
    """

    host: str
    seconds: float | None
    first: float
    reason: str


class Heard(NamedTuple):
    """What a host answered.

    Args:
        host: its name.
        limit: its slots before any growth.
        most: to which they may grow.
        waits: whether rows wait for a slot.
        complaints: answers that ask for less.
        steps: of the time of each answer, as `time_step` has them.
    """

    host: str
    limit: int
    most: int
    waits: bool
    complaints: int
    steps: Sequence[int]


class Answer(NamedTuple):
    """What became of a wish.

    Args:
        is_granted: whether the slot is ours.
        quiet: seconds for which nobody asks the host; 0 where its slots are merely taken.
        reason: of the quiet.
        limit: slots that the host has now, if that is known.
        is_contended: whether other wishes for the host were in vain, of late.
    """

    is_granted: bool
    quiet: float = 0.0
    reason: str = ""
    limit: int | None = None
    is_contended: bool = False


class SharedLostError(Exception):
    """What is shared cannot be reached."""


class Shared(Protocol):
    """The state, wherever it lies. Every method raises SharedLostError where it cannot be reached."""

    async def exchange(
        self, releases: Sequence[Release], quiets: Sequence[Quiet], wishes: Sequence[Wish]
    ) -> list[Answer]:
        """Give slots back, tell of quiet hosts, ask for slots; an answer for each wish."""

    async def hear(self, heard: Sequence[Heard]) -> list[int]:
        """Tell what hosts answered; the slots that each has now."""

    async def read_sites(self, origins: Sequence[str]) -> list[bytes | None]:
        """What is known of the files of many origins."""

    async def claim_site(self, origin: str) -> tuple[bytes | None, bool]:
        """What is known of an origin, and else whether it is for us to find out."""

    async def write_site(self, origin: str, entry: bytes) -> None:
        """Tell what we found out."""

    async def leave_site(self, origin: str) -> None:
        """Let others find out at once: we found nothing that they should know."""

    async def close(self) -> None:
        """End it, in the event loop that used it."""
