"""When a batch is dead: the testimony of the fleet's workers."""

from dataclasses import dataclass

SEEN_SECONDS = 120.0
ENOUGH_PROVEN = 2


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The testimony of the fleet's workers on a batch that failed.

    Args:
        proven: workers that failed on it and have finished a batch since their start.
        seen: workers with a heartbeat in the last `SEEN_SECONDS`.
        anyone_works: any worker has finished any batch.
    """

    proven: int
    seen: int
    anyone_works: bool


def is_given_up(count: int, limit: int, witnesses: Witnesses) -> bool:
    """Whether a batch is dead after `count` attempts that count.

    It is at the limit, if two workers that can work failed on it, or if there is only one worker to ask; at
    twice the limit, where no worker has finished anything.
    """
    if not witnesses.anyone_works:
        return count >= 2 * limit
    return count >= limit and (witnesses.proven >= ENOUGH_PROVEN or witnesses.seen <= 1)
