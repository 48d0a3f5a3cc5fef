"""Passes of as many images as fit into memory."""

from collections.abc import Callable
from typing import TypeVar

import structlog
import torch

from workers.device.errors import is_out_of_memory

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class Passes:
    """Runs work in passes; out of memory halves this pass and all that follow."""

    def __init__(self, release: Callable[[], None]) -> None:
        """`release` frees the memory that the models keep between passes."""
        self.size: int | None = None  # images of a pass; None before any was too large
        self._release = release

    def run(self, work: Callable[[slice], list[Result]], count: int) -> list[Result]:
        """The results of `work` for `count` items, in order.

        Raises:
            RuntimeError: a single item does not fit; as torch or a library of CUDA says it.
        """
        results: list[Result] = []
        while len(results) < count:
            size = min(self.size or count, count - len(results))
            done = self._attempt(work, slice(len(results), len(results) + size))
            if done is None:
                self._halve(size)
            else:
                results += done
        return results

    def _attempt(self, work: Callable[[slice], list[Result]], items: slice) -> list[Result] | None:
        try:
            return work(items)
        except RuntimeError as error:
            if not is_out_of_memory(error) or items.stop - items.start == 1:
                raise
            return None  # outside the handler the failed pass's tensors are freed

    def _halve(self, size: int) -> None:
        self.size = size // 2
        self._release()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        log.warning("cascade.memory", images_per_pass=self.size, hint="lower FLEET_MICRO_BATCH to this")
