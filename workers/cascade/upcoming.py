"""Passes that are announced while another one runs: their image towers work behind its steps.

Each image is encoded among those of its own pass, by the same kernels at the same shapes, so that what is
interleaved computes the same numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import structlog

from workers.captions import Image, ModelInputs
from workers.cascade.background import TowerWork

log = structlog.get_logger(__name__)

Tower = Callable[[Sequence[Image]], TowerWork]


class Pass:
    """The images of a pass, by model, and the work of their towers."""

    def __init__(
        self, inputs: Sequence[ModelInputs], captioner: Tower | None, ranker: Tower, selector: Tower
    ) -> None:
        """`captioner` may be none that can look ahead."""
        self.inputs = inputs
        self.for_captioner = [image.captioner for image in inputs]
        self.for_ranker = [image.ranker for image in inputs]
        self.for_selector = [image.selector for image in inputs]
        self.features = captioner(self.for_captioner) if captioner else _nothing()
        self.judges = ranker(self.for_ranker), selector(self.for_selector)
        self._pieces = chain(self.features, *self.judges)

    def advance(self) -> None:
        """Launch one piece, if there is one."""
        next(self._pieces, None)


def _nothing() -> TowerWork:
    yield from ()


class Upcoming:
    """What is known to come."""

    def __init__(self, begin: Callable[[Sequence[ModelInputs]], Pass]) -> None:
        self._begin = begin
        self._passes: list[Pass] = []  # appended to by one thread, taken from by another

    @contextmanager
    def announce(self, inputs: Sequence[ModelInputs]) -> Iterator[None]:
        """Within, `inputs` wait for their turn or have it."""
        announced = self._begin(inputs)
        self._passes.append(announced)
        try:
            yield
        finally:
            self._drop(announced)

    def take(self, inputs: Sequence[ModelInputs]) -> Pass:
        """The pass of this very sequence: announced, or new."""
        for announced in tuple(self._passes):
            if announced.inputs is inputs:
                self._drop(announced)
                return announced
        return self._begin(inputs)

    def advance(self) -> None:
        """Launch a piece of the next pass; if it fails, that pass will see so itself."""
        for announced in tuple(self._passes[:1]):
            try:
                announced.advance()
            except Exception as error:  # noqa: BLE001 - of any library; it must not end the pass that runs
                log.warning("cascade.ahead", error=str(error)[:200], hint="computed in its own turn instead")

    def forget(self) -> None:
        """Look ahead at none of them."""
        self._passes.clear()

    def _drop(self, announced: Pass) -> None:
        if announced in self._passes:
            self._passes.remove(announced)
