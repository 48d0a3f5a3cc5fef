"""AVIF (AV1 Image File Format 1.1): a still image, or the first of a sequence."""

import math
import struct
from contextlib import suppress

from workers.decode.budget import Budget
from workers.decode.colour.code_points import UnknownCodeError, find_profile
from workers.decode.source import Source

HEAD = 1 << 16
"""Bytes among which the properties of an image lie."""

_POINTS = b"colrnclx"
_PROFILES = (b"colrprof", b"colrrICC")
"""Kinds of the property `colr` (ISO/IEC 14496-12, 12.1.5)."""


def read_avif(body: bytes, _budget: Budget) -> Source:
    """The file as it is, never for this process: its boxes may claim less than its AV1 frames cost.

    Its own properties turn it (`irot`, `imir`), its EXIF does not. An ICC profile comes before code points.
    """
    return Source("AVIF", body, math.inf, profile=_profile(body[:HEAD]))


def _profile(head: bytes) -> bytes | None:
    at = head.find(_POINTS) + len(_POINTS)
    if at < len(_POINTS) or at + 4 > len(head) or any(kind in head for kind in _PROFILES):
        return None
    with suppress(UnknownCodeError):
        return find_profile(*struct.unpack(">HH", head[at : at + 4]))
    return None
