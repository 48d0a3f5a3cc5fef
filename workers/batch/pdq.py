"""PDQ, a perceptual hash (github.com/facebook/ThreatExchange, pdq): near copies of listed images.

Hashes that differ in at most 31 of 256 bits agree in one of 16 bands of 16 bits up to one bit: so each band
is probed with no and with one bit turned, and no near copy is missed.
"""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from common.errors import FleetError
from workers.captions import Image

DISTANCE = 31
QUALITY = 50
"""Least quality of a hash that says anything; flat images have 0."""

SIDE = 512
"""Pixels of the longer side: the reference's own size, beyond which it shrinks images."""

BANDS, BAND_BITS = 16, 16
_PROBES = np.array([0, *(1 << bit for bit in range(BAND_BITS))], np.uint16)
_ONES = np.array([value.bit_count() for value in range(1 << BAND_BITS)], np.uint8)


class PdqIndex:
    """Looks for near copies.

    Args:
        body: hashes of 32 bytes, side by side.

    Raises:
        FleetError: the package that computes PDQ is not installed.
    """

    def __init__(self, body: bytes) -> None:
        try:
            self._pdq: Any = importlib.import_module("pdqhash")
        except ImportError as error:
            raise FleetError(
                "PDQ hashes are listed, and pdqhash is not installed; install the extra `pdq`"
            ) from error
        self._hashes = np.frombuffer(body, ">u2").astype(np.uint16).reshape(-1, BANDS)
        self._order = np.argsort(self._hashes, axis=0, kind="stable").astype(np.uint32)
        values = np.arange((1 << BAND_BITS) + 1)
        self._starts = [
            np.searchsorted(self._hashes[order, band], values) for band, order in enumerate(self._order.T)
        ]

    def has_near_copy(self, image: Image) -> bool:
        """Whether an image of enough quality is at most 31 bits from a listed one."""
        small = Pillow.fromarray(image)
        small.thumbnail((SIDE, SIDE))
        bits, quality = self._pdq.compute(np.asarray(small))
        return quality >= QUALITY and self.has_near(np.packbits(bits.astype(np.uint8)).tobytes())

    def has_near(self, digest: bytes) -> bool:
        """Whether a hash is at most 31 bits from a listed one."""
        bands: NDArray[np.uint16] = np.frombuffer(digest, ">u2").astype(np.uint16)
        for band, (starts, order) in enumerate(zip(self._starts, self._order.T, strict=True)):
            for probe in bands[band] ^ _PROBES:
                rows = order[starts[probe] : starts[int(probe) + 1]]
                if len(rows) and (_ONES[self._hashes[rows] ^ bands].sum(axis=1) <= DISTANCE).any():
                    return True
        return False
