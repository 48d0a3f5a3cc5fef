"""Work of the device that nobody waits for yet: launched in small pieces behind other work."""

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import Final

import torch
from torch import Tensor

TowerWork = Generator[None, None, None]  # yields after each piece that it has launched

BEHIND_SCORES: Final = 6
"""Pieces of the next pass: the device works while the host sorts what it has read, and begins what comes."""


class Background:
    """Pieces that run on the device while the host handles what it has just received."""

    def __init__(self, works: Iterable[TowerWork] = (), beyond: Callable[[], None] = lambda: None) -> None:
        """`works` must be done within this pass; `beyond` launches a piece that is of none of it."""
        self._pieces: Iterator[None] = chain.from_iterable(works)
        self._beyond = beyond

    def advance(self) -> None:
        """Launch the next piece, and one of the next pass.

        A pass has twice as many pieces as steps: what is left keeps the device busy while texts are written.
        """
        next(self._pieces, None)
        self._beyond()

    def advance_beyond(self, pieces: int = BEHIND_SCORES) -> None:
        """Launch pieces of the next pass alone."""
        for _ in range(pieces):
            self._beyond()

    def finish(self) -> None:
        """Launch all that is left of this pass."""
        for _ in self._pieces:
            pass


def keep_result(stages: Generator[None, None, Tensor], keep: Callable[[Tensor], None]) -> TowerWork:
    """The pieces of `stages`, without gradients; what they return goes to `keep`."""
    while True:
        with torch.inference_mode():  # not across a yield: it would hold in the caller, too
            try:
                next(stages)
            except StopIteration as end:
                keep(end.value)
                return
        yield


def run_through(stages: Generator[None, None, Tensor]) -> Tensor:
    """What `stages` return, all at once."""
    while True:
        try:
            next(stages)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
