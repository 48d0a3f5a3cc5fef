"""An image as it is held: in a tar, in a column or in a folder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """The bytes of one row's image.

    Args:
        row: of the part.
        body: its bytes; None where there are none, or more than were asked for.
        size: in bytes, where it is known.
    """

    row: int
    body: bytes | None
    size: int = 0
