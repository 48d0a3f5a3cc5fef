"""ICC profiles from primaries and a curve, as PNG's gAMA and cHRM give them."""

import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

SRGB_GAMMA: Final = 1 / 2.2
SRGB_POINTS: Final = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""White, red, green and blue: x and y of each (ITU-R BT.709)."""

SIGNIFICANT_GAMMA = 0.05
SIGNIFICANT_POINT = 0.01
"""Smaller differences from sRGB are taken for its imprecise spelling, as libpng takes a gamma."""

_GAMMAS = (0.01, 100.0)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_POWER, _SRGB = b"para" + bytes(8), b"para" + bytes(5) + b"\3" + bytes(2)
_SRGB_CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""Of a parametric curve of type 3 (ICC.1:2022, 10.18): exponent, a, b, c, d."""

_D50 = np.array([0.9642, 1.0, 0.8249])


def build_profile(gamma: float, points: tuple[float, ...] | None) -> bytes | None:
    """A profile of matrix and curve (ICC.1:2022); None where it is sRGB or makes no sense.

    Args:
        gamma: of the file: samples are light raised to it.
        points: x and y of white, red, green and blue; None for those of sRGB.
    """
    points = SRGB_POINTS if points is None else points
    if _is_srgb(gamma, points) or not _GAMMAS[0] < gamma < _GAMMAS[1]:
        return None
    primaries = _primaries(points)
    return None if primaries is None else _write(primaries, _POWER + _s15_fixed16(1 / gamma))


def build_srgb_like(points: tuple[float, ...]) -> bytes | None:
    """A profile of sRGB's curve and other primaries; None for those of sRGB, or for nonsense.

    Args:
        points: x and y of white, red, green and blue.
    """
    if _is_srgb(SRGB_GAMMA, points):
        return None
    primaries = _primaries(points)
    return None if primaries is None else _write(primaries, _SRGB + b"".join(map(_s15_fixed16, _SRGB_CURVE)))


def _is_srgb(gamma: float, points: tuple[float, ...]) -> bool:
    near = np.abs(np.subtract(points, SRGB_POINTS)) < SIGNIFICANT_POINT
    return abs(gamma / SRGB_GAMMA - 1) < SIGNIFICANT_GAMMA and bool(near.all())


def _primaries(points: tuple[float, ...]) -> Matrix | None:
    """[3, 3]: XYZ, of red, green and blue at full strength, adapted to D50 (Bradford)."""
    xy = np.reshape(points, (4, 2))
    with np.errstate(all="ignore"):
        xyz = np.column_stack([xy, 1 - xy.sum(1)]).T / xy[:, 1]  # columns: white, red, green, blue
        try:
            strengths = np.linalg.solve(xyz[:, 1:], xyz[:, 0])
        except np.linalg.LinAlgError:
            return None
        scale = np.diag(_BRADFORD @ _D50 / (_BRADFORD @ xyz[:, 0]))
        adapted: Matrix = np.linalg.inv(_BRADFORD) @ scale @ _BRADFORD @ (xyz[:, 1:] * strengths)
    is_sane = np.isfinite(adapted).all() and np.abs(adapted).max() < 2  # noqa: PLR2004 - of a white of 1
    return adapted if is_sane else None


def _write(primaries: Matrix, curve: bytes) -> bytes:
    tags = {b"wtpt": _xyz(_D50), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {name: _xyz(primaries[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    start = 128 + 4 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value
    return _header(start + len(data)) + table + data


def _header(length: int) -> bytes:
    fields = struct.pack(">I4xI4s4s4s", length, 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    return fields + bytes(12) + b"acsp" + bytes(28) + b"".join(map(_s15_fixed16, _D50)) + bytes(48)


def _xyz(values: Matrix) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_s15_fixed16, values))


def _s15_fixed16(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))
