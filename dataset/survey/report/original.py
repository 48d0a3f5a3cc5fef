"""The human evaluation of LAION-COCO as its makers published it (laion.ai/blog/laion-coco)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """A mean and a standard deviation of ratings from 0 to 5."""

    mean: float
    deviation: float


HUMAN, MACHINE = Published(3.98, 0.99), Published(3.89, 1.12)
"""Round 1, 200 samples, half human: by the caption's author."""
GUESSED_HUMAN, GUESSED_MACHINE = Published(4.44, 0.61), Published(3.50, 1.15)
"""By the raters' guesses."""
GOOD_HUMAN, GOOD_MACHINE = Published(4.07, 0.81), Published(4.02, 0.94)
"""By the caption's author, without ratings 0 and 1."""
MACHINE_ONLY = Published(3.81, 0.94)
"""Round 2, 400 samples, machine only."""
TAKEN_FOR_HUMAN, TAKEN_FOR_MACHINE = 0.475, 0.525
"""Shares of round 2."""
