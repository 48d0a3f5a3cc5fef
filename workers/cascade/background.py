"""Work of the device that nobody waits for yet: launched in small pieces behind other work."""

from collections.abc import Generator, Iterable, Iterator
from itertools import chain

Work = Generator[None, None, None]  # yields after each piece that it has launched


class Background:
    """Pieces that run on the device while the host handles what it has just received."""

    def __init__(self, works: Iterable[Work] = ()) -> None:
        self._pieces: Iterator[None] = chain.from_iterable(works)

    def advance(self) -> None:
        """Launch the next piece, if there is one."""
        next(self._pieces, None)

    def finish(self) -> None:
        """Launch all that is left."""
        for _ in self._pieces:
            pass
