"""A worker that shares nothing, since it is alone, or has lost the others."""

import time
from collections.abc import Sequence

from common.delay import LONGEST
from workers.fetch.shared import FAILURES_KEPT, Answer, Heard, Quiet, Release, Wish

GRANTED, TAKEN = Answer(is_granted=True), Answer(is_granted=False)


class Alone:
    """Slots and quiet of this process.

    Args:
        most: slots of any host, whatever its limit.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self._quiet: dict[str, tuple[float, str]] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    async def exchange(
        self, releases: Sequence[Release], quiets: Sequence[Quiet], wishes: Sequence[Wish]
    ) -> list[Answer]:
        """As `Shared` says; it answers at once."""
        del releases  # each wish says how many slots are held
        for quiet in quiets:
            self._silence(quiet)
        return [self._answer(wish) for wish in wishes]

    def _silence(self, quiet: Quiet) -> None:
        count, until = self._failures.get(quiet.host, (0, 0.0))
        count = count + 1 if time.monotonic() < until else 1
        self._failures[quiet.host] = count, time.monotonic() + FAILURES_KEPT
        grown = min(quiet.first * 2.0 ** min(count - 1, 32), LONGEST)
        self._set_quiet(quiet.host, grown if quiet.seconds is None else quiet.seconds, quiet.reason)

    def _set_quiet(self, host: str, seconds: float, reason: str) -> None:
        until = time.monotonic() + seconds
        if until > self._quiet.get(host, (0.0, ""))[0]:
            self._quiet[host] = until, reason

    def _answer(self, wish: Wish) -> Answer:
        until, reason = self._quiet.get(wish.host, (0.0, ""))
        left = until - time.monotonic()
        if left > 0:
            return Answer(is_granted=False, quiet=left, reason=reason)
        self._quiet.pop(wish.host, None)
        if wish.held >= (wish.limit if self._most is None else min(wish.limit, self._most)):
            return TAKEN
        if wish.interval:
            self._set_quiet(wish.host, wish.interval, "")
        return GRANTED

    async def hear(self, heard: Sequence[Heard]) -> list[int]:
        """Nothing grows."""
        return [one.limit for one in heard]

    async def read_sites(self, origins: Sequence[str]) -> list[bytes | None]:
        """Nothing is known."""
        return [None] * len(origins)

    async def claim_site(self, origin: str) -> tuple[bytes | None, bool]:
        """Nobody else would find out."""
        del origin
        return None, True

    async def write_site(self, origin: str, entry: bytes) -> None:
        """Nobody would read it."""

    async def leave_site(self, origin: str) -> None:
        """Nobody waits."""

    async def close(self) -> None:
        """Nothing is open."""
