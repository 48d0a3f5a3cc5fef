"""An image as it is held: in a tar, in a column or in a folder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """What is held for one row.

    Args:
        row: of the part.
        body: its bytes; None where there are none, or more than were asked for.
        size: in bytes, where it is known.
    """

    row: int
    body: bytes | None
    size: int = 0
