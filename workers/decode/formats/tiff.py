"""TIFF (TIFF 6.0): the first page."""

import math

from workers.decode.budget import Budget
from workers.decode.source import Source


def read_tiff(body: bytes, _budget: Budget) -> Source:
    """The file as it is, never for this process: libtiff's many decoders cannot be stopped between strips."""
    return Source("TIFF", body, math.inf)
