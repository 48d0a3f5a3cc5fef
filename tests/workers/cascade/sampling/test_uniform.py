"""Random numbers by counter: a function of their place, and random."""

import torch
from torch import Tensor

from workers.cascade.sampling.uniform import to_signed, uniform


def numbers(seed: int = 0, keys: int = 50, lanes: int = 40, steps: int = 50) -> Tensor:
    """[steps, keys * lanes]"""
    key, lane = torch.arange(keys).repeat_interleave(lanes), torch.arange(lanes).repeat(keys)
    return uniform(seed, key, lane, torch.arange(steps)[:, None])


def plain(seed: int, key: int, lane: int, step: int) -> float:
    """The same numbers in Python's own integers, written from the definition of SplitMix64."""

    def mixed(state: int) -> int:
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
        return state ^ (state >> 31)

    state = mixed(seed)
    for counter in (key, lane, step):
        state = mixed((state + counter) % 2**64)
    return ((state >> 11) + 1) / 2**53


def test_equal_to_plain_integers() -> None:
    places = [(0, 0), (2**64 - 1, 1), (2**63, 7), (2**62, 39)]
    keys, lanes = (
        torch.tensor([to_signed(key) for key, _ in places]),
        torch.tensor([lane for _, lane in places]),
    )
    assert uniform(1, keys, lanes, torch.tensor(5)).tolist() == [
        plain(1, key, lane, 5) for key, lane in places
    ]


def test_order_and_company_do_not_matter() -> None:
    keys, lanes = torch.tensor([5, -9, 7]), torch.tensor([0, 3, 39])
    step = torch.tensor(4)
    together = uniform(3, keys, lanes, step)
    assert [uniform(3, keys[i : i + 1], lanes[i : i + 1], step).item() for i in range(3)] == together.tolist()
    assert uniform(3, keys.flip(0), lanes.flip(0), step).flip(0).tolist() == together.tolist()


def test_uniform_by_chi_square() -> None:
    found = numbers()
    assert found.min() > 0
    assert found.max() <= 1
    cells = torch.histc(found, bins=100, min=0, max=1)
    expected = found.numel() / 100
    assert ((cells - expected) ** 2 / expected).sum() < 149  # 99.9 % of chi-square with 99 degrees of freedom


def test_neighbours_are_independent() -> None:
    grid = numbers().view(50, 50, 40)  # [steps, keys, lanes]
    for axis in range(3):
        length = grid.shape[axis] - 1
        pair = torch.stack([grid.narrow(axis, 0, length).flatten(), grid.narrow(axis, 1, length).flatten()])
        assert pair.corrcoef()[0, 1].abs() < 0.012  # four standard errors


def test_no_number_twice_over_seeds_keys_lanes_and_steps() -> None:
    both = torch.cat([numbers(seed).flatten() for seed in (0, 1)])
    assert len(set(both.tolist())) == len(both)


def test_signed_keeps_the_bits() -> None:
    assert [to_signed(n) for n in (0, 2**63 - 1, 2**63, 2**64 - 1, -1)] == [0, 2**63 - 1, -(2**63), -1, -1]
