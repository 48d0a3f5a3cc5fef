"""Inputs of no use, beside others that are."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from common.run.part import PartError

NO_ROWS = "no rows"
"""As parallel writers leave files whose share was empty."""

log = structlog.get_logger(__name__)


class UselessPartError(PartError):
    """There is nothing to caption in it; beside other parts it is left out and counted.

    Args:
        address: of the file or folder.
        reason: why, as the log counts it.
        remedy: what to do.
    """

    def __init__(self, address: str, reason: str, remedy: str = "leave it out") -> None:
        super().__init__(f"{address}: {reason}; {remedy}")
        self.reason = reason


class LeftOut:
    """Inputs of no use, each once, until it is known whether there are others."""

    def __init__(self) -> None:
        self._errors: dict[str, UselessPartError] = {}

    def add(self, error: UselessPartError) -> None:
        self._errors.setdefault(str(error), error)

    @contextmanager
    def collect(self) -> Iterator[None]:
        """Within the block an input of no use is no error yet."""
        try:
            yield
        except UselessPartError as error:
            self.add(error)

    def report(self, *, is_all: bool) -> None:
        """One line for each reason, with its count.

        Raises:
            UselessPartError: there is no other input.
        """
        errors = list(self._errors.values())
        if errors and is_all:
            raise errors[0]
        for reason, parts in Counter(error.reason for error in errors).items():
            log.warning("left out", reason=reason, parts=parts)
