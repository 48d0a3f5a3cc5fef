"""Garbage collection around batches: what is loaded is frozen once, what a batch leaves is freed."""

import gc
import weakref

from workers.batch import loop


class Knot:
    """Only the collector frees it."""

    def __init__(self) -> None:
        self.itself = self


async def leave_knot() -> "weakref.ref[Knot]":
    return weakref.ref(Knot())


def test_what_is_loaded_is_frozen_for_all_later_batches() -> None:
    loop.run(leave_knot())
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    later = [Knot() for _ in range(1000)]
    loop.run(leave_knot())
    assert gc.get_freeze_count() <= frozen
    assert len(later) == 1000


def test_what_a_batch_left_is_freed_before_the_next_and_the_thresholds_are_restored() -> None:
    before = gc.get_threshold()
    left = loop.run(leave_knot())
    assert gc.get_threshold() == before
    loop.run(leave_knot())
    assert left() is None
