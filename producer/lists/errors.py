"""Damage in a list, by the number of its line."""

from dataclasses import dataclass

from producer.useless import NO_ROWS

MOST_SHOWN = 60


class ListError(ValueError):
    """The list cannot be read; the message says why, the caller adds the place."""


class EmptyListError(ListError):
    """It has no rows, and nothing else is wrong with it."""

    def __init__(self) -> None:
        super().__init__(NO_ROWS)


class LineError(ListError):
    """A line cannot be read."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}; mend it, or leave such lines out with --skip-bad-lines")
        self.line, self.reason = line, reason


@dataclass(slots=True)
class BadLines:
    """Handling of unreadable lines: the first is an error, or all are counted.

    Args:
        skip: count them.
    """

    skip: bool
    count: int = 0
    first: int = 0

    def add(self, line: int, reason: str) -> None:
        """Count a line.

        Raises:
            LineError: no line may be left out.
        """
        if not self.skip:
            raise LineError(line, reason)
        self.first = self.first if self.count else line
        self.count += 1


def quote(text: str) -> str:
    """The beginning of an untrusted line, printable."""
    shown = text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."
    return repr(shown)
