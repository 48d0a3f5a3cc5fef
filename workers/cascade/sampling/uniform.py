"""Random numbers by counter: each is a function of its place, so no order of work can change it."""

import torch
from torch import Tensor

_GOLDEN = -0x61C8864680B583EB  # 2^64 / golden ratio, as a signed 64-bit integer
_MIX_1 = -0x40A7B892E31B1A47
_MIX_2 = -0x6B2FB644ECCEEE15


def uniform(seed: int, keys: Tensor, lanes: Tensor, steps: Tensor) -> Tensor:
    """Numbers in (0, 1], float64, of the shape to which `keys`, `lanes` and `steps` (int64) broadcast.

    Args:
        seed: of the whole run.
        keys: the identity of each image.
        lanes: which of its image's samples.
        steps: which token of the sample is drawn.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
    generators") is applied after each of the four is added. Integer overflow wraps.
    """
    state = _mixed(torch.full_like(keys, signed(seed)))
    for counter in (keys, lanes, steps):
        state = _mixed(state + counter)
    return (_shifted(state, 11) + 1).double() * 2.0**-53


def signed(number: int) -> int:
    """The 64-bit two's complement integer of the same bits: torch knows no unsigned arithmetic."""
    return (number + 2**63) % 2**64 - 2**63


def _mixed(state: Tensor) -> Tensor:
    state = state + _GOLDEN
    state = (state ^ _shifted(state, 30)) * _MIX_1
    state = (state ^ _shifted(state, 27)) * _MIX_2
    return state ^ _shifted(state, 31)


def _shifted(state: Tensor, bits: int) -> Tensor:
    """Logical shift to the right; torch's own copies the sign."""
    return torch.bitwise_and(state >> bits, 2 ** (64 - bits) - 1)
