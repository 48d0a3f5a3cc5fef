"""Features that were computed before anybody asked for them."""

from collections import deque
from collections.abc import Sequence

from torch import Tensor

from workers.captions import Image

_PASSES = 2  # the one that runs and the next


class Ahead:
    """A model's features of whole passes, until they are taken."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Sequence[Image], Tensor]] = deque(maxlen=_PASSES)

    def keep(self, images: Sequence[Image], features: Tensor) -> None:
        """`features` [images, ...] of this very sequence; the oldest go, if nobody took them."""
        self._kept.append((images, features))

    def take(self, images: Sequence[Image]) -> Tensor | None:
        """The features of this very sequence, once."""
        for place, (own, features) in enumerate(self._kept):
            if own is images:
                del self._kept[place]
                return features
        return None

    def clear(self) -> None:
        """Free them all."""
        self._kept.clear()
