"""Images and processes that fit a card: pure arithmetic over measured figures (docs/performance.md)."""

GIB = 1 << 30

BASE = 5 * GIB
"""Weights of the three models, CUDA's context, captured steps."""

IMAGE = 150 << 20
"""An image of a pass: keys and values of its lanes, activations of the towers."""

SIZES = (8, 16, 24, 32, 48, 64, 96, 128)
"""Images of a pass: beyond, twice as many bring 7 % and more memory than a neighbour may have."""

USABLE = 0.92
"""Of a card: the rest is the driver's and the allocator's waste."""

GOOD_SIZE = 64
"""A second process on a card is worth its weights only where both have passes of this size."""

MOST_ON_CARD = 2
"""The second fills the card while the first waits for its batch's last links; a third brings nothing."""

IN_FLIGHT = 2048
"""Downloads for one card: 300 images a second, of links of which one in twenty is silent for ten seconds."""


def choose_micro_batch(memory: int) -> int:
    """Images of a pass for a process that may take `memory` bytes of a card."""
    return max(size for size in SIZES if size == SIZES[0] or BASE + size * IMAGE <= memory)


def choose_processes(free: int, *, cards: int, cores: int, memory: int) -> int:
    """Processes of a worker.

    Args:
        free: bytes on the fullest of the cards.
        cards: how many; with none there is one process.
        cores: of the container.
        memory: bytes of the container; each process takes `BASE` and as much again while it loads.
    """
    if not cards:
        return 1
    on_card = min(MOST_ON_CARD, int(free * USABLE) // (BASE + GOOD_SIZE * IMAGE))
    affordable = min(cores // 2, memory // (2 * BASE))
    return max(cards, min(cards * on_card, affordable), 1)


def share_of_card(free: int, total: int, processes: int) -> int:
    """Bytes that one of the processes on a card may take, now that `free` of `total` are free or its own."""
    return min(int(total * USABLE) // processes, free)
