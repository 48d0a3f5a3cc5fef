"""Counter-based random numbers: each is a function of its coordinates, independent of the order of work."""

import torch
from torch import Tensor

_GOLDEN = -0x61C8864680B583EB  # 2^64 / golden ratio, as a signed 64-bit integer
_MIX_1 = -0x40A7B892E31B1A47
_MIX_2 = -0x6B2FB644ECCEEE15


def uniform(seed: int, keys: Tensor, lanes: Tensor, steps: Tensor) -> Tensor:
    """Numbers in (0, 1], float64, of the shape to which `keys`, `lanes` and `steps` (int64) broadcast.

    Args:
        seed: of the whole run.
        keys: identity of each image.
        lanes: number of the lane within its image.
        steps: number of the token within its lane.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators") is applied after each of the four is added. Integer overflow wraps.
    """
    state = _mix(torch.full_like(keys, to_signed(seed)))
    for counter in (keys, lanes, steps):
        state = _mix(state + counter)
    return (_shift_right(state, 11) + 1).double() * 2.0**-53


def to_signed(number: int) -> int:
    """The 64-bit two's complement integer of the same bits: torch has no unsigned arithmetic."""
    return (number + 2**63) % 2**64 - 2**63


def _mix(state: Tensor) -> Tensor:
    state = state + _GOLDEN
    state = (state ^ _shift_right(state, 30)) * _MIX_1
    state = (state ^ _shift_right(state, 27)) * _MIX_2
    return state ^ _shift_right(state, 31)


def _shift_right(state: Tensor, bits: int) -> Tensor:
    """Logical shift; torch's own copies the sign."""
    return torch.bitwise_and(state >> bits, 2 ** (64 - bits) - 1)
