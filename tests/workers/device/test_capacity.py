"""What `auto` chooses, for cards that exist."""

import pytest

from workers.device.capacity import GIB, choose_micro_batch, choose_processes, share_of_card

CARDS = [  # free GiB, processes on 16 cores, images of a pass of each
    ("T4", 14.6, 1, 48),
    ("L4", 22.0, 1, 96),
    ("A100-40", 39.0, 2, 64),
    ("A100-80", 79.0, 2, 128),
    ("H200", 139.0, 2, 128),
    ("a card with no room", 4.0, 1, 8),
]


@pytest.mark.parametrize(("name", "gib", "processes", "images"), CARDS)
def test_each_card_gets_what_it_holds(name: str, gib: float, processes: int, images: int) -> None:
    free = int(gib * GIB)
    assert choose_processes(free, cards=1, cores=16, memory=128 * GIB) == processes
    assert choose_micro_batch(share_of_card(free, free, processes)) == images


@pytest.mark.parametrize(
    ("cards", "cores", "memory", "processes"),
    [(0, 64, 512, 1), (1, 2, 128, 1), (1, 4, 128, 2), (1, 16, 16, 1), (8, 96, 512, 16), (8, 4, 64, 8)],
)
def test_cores_and_memory_bound_the_processes(cards: int, cores: int, memory: int, processes: int) -> None:
    found = choose_processes(139 * GIB, cards=cards, cores=cores, memory=memory * GIB)
    assert found == processes


def test_a_stranger_on_the_card_makes_passes_smaller() -> None:
    assert choose_micro_batch(share_of_card(20 * GIB, 139 * GIB, 2)) == 96
    assert choose_micro_batch(share_of_card(1 * GIB, 139 * GIB, 1)) == 8
