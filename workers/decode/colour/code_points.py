"""Colours by code points (ITU-T H.273), as PNG's cICP and AVIF's nclx have them, to an ICC profile."""

from typing import Final

from workers.decode.colour.chromaticity import SRGB_POINTS, build_profile, build_srgb_like

D65: Final = (0.3127, 0.329)
PRIMARIES: Final = {
    1: SRGB_POINTS,
    5: (*D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),  # BT.470 B, G; BT.601 with 625 lines
    6: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),  # BT.601 with 525 lines
    7: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),  # SMPTE 240M
    9: (*D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),  # BT.2020
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # DCI-P3
    12: (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),  # Display P3
}
"""x and y of white, red, green and blue."""

GAMMAS: Final = {4: 1 / 2.2, 5: 1 / 2.8, 8: 1.0}
SRGB_LIKE: Final = frozenset({1, 6, 13, 14, 15})
"""sRGB's own curve; and that of BT.709, BT.601 and BT.2020, which stills that bear it mean as sRGB's."""


class UnknownCodeError(ValueError):
    """Points that say nothing, or that no profile of matrix and curve can hold: HDR above all."""


def find_profile(primaries: int, transfer: int) -> bytes | None:
    """The profile of these code points; None for sRGB.

    Raises:
        UnknownCodeError: there is none.
    """
    points = PRIMARIES.get(primaries)
    if points is None or (transfer not in GAMMAS and transfer not in SRGB_LIKE):
        raise UnknownCodeError
    if transfer in GAMMAS:
        return build_profile(GAMMAS[transfer], points)
    return build_srgb_like(points)
