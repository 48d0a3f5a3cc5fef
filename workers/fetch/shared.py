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
        interval: seconds from this start to the next one of anybody.
        held: slots of the host that this process holds or has asked for just before.
    """

    host: str
    slot: str
    limit: int
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


class Answer(NamedTuple):
    """What became of a wish.

    Args:
        is_granted: whether the slot is ours.
        quiet: seconds for which nobody asks the host; 0 where its slots are merely taken.
        reason: of the quiet.
    """

    is_granted: bool
    quiet: float = 0.0
    reason: str = ""


class SharedLostError(Exception):
    """What is shared cannot be reached."""


class Shared(Protocol):
    """The state, wherever it lies. Every method raises SharedLostError where it cannot be reached."""

    async def exchange(
        self, releases: Sequence[Release], quiets: Sequence[Quiet], wishes: Sequence[Wish]
    ) -> list[Answer]:
        """Give slots back, tell of quiet hosts, ask for slots; an answer for each wish."""

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
