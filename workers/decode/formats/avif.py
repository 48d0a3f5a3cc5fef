"""AVIF (AV1 Image File Format 1.1): a still image, or the first of a sequence."""

import math

from workers.decode.budget import Budget
from workers.decode.source import Source


def read_avif(body: bytes, _budget: Budget) -> Source:
    """The file as it is, never for this process: its boxes may claim less than its AV1 frames cost.

    Its own properties turn it (`irot`, `imir`), its EXIF does not.
    """
    return Source("AVIF", body, math.inf)
