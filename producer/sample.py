"""Inference from a sample of shards to all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, lgamma
from random import Random

from common.errors import FleetError

CONFIDENCE = 0.95
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Sample:
    """A random sample without replacement, and how many bad shards there may be in all.

    Args:
        shards: that were read.
        of: shards in all.
        confidence: that no more than `bad_at_most` of all are bad.
        bad_at_most: the exact upper bound of the hypergeometric distribution (Clopper and Pearson 1934, for
            finite populations).
    """

    shards: int
    of: int
    confidence: float
    bad_at_most: int

    def __str__(self) -> str:
        share = self.bad_at_most / self.of if self.of else 0.0
        return (
            f"a sample of {self.shards} of {self.of} shards: with {self.confidence:.0%} confidence at most"
            f" {self.bad_at_most} ({share:.3%}) of all are bad"
        )


def parse_percent(text: str) -> float:
    """`1%` or `0.5%` as a number.

    Raises:
        FleetError: it is no share above 0 and up to 100.
    """
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0.0
    if not 0 < percent <= WHOLE:
        raise FleetError(f"--sample {text!r}: give a share above 0% and up to 100%, such as 1%")
    return percent


def sample_size(of: int, percent: float) -> int:
    """How many shards a share of `percent` is, at least one."""
    return min(of, max(1, ceil(of * percent / WHOLE)))


def choose_sample(of: Sequence[int], percent: float, seed: int) -> list[int]:
    """A random share of these numbers, in order; the same for the same seed."""
    return sorted(Random(seed).sample(of, sample_size(len(of), percent)))  # noqa: S311 - guards nothing


def judge_sample(bad: int, shards: int, of: int, confidence: float = CONFIDENCE) -> Sample:
    """The sample of `shards` among `of` in which `bad` were bad.

    The bound is the largest number of bad shards with which so few, or fewer, would be seen at least as
    often as `1 - confidence`.
    """
    low, high = bad, of - (shards - bad)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(bad, shards, middle, of) >= 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return Sample(shards, of, confidence, low)


def _at_most(bad: int, shards: int, all_bad: int, of: int) -> float:
    """The probability of at most `bad` bad ones in a sample of `shards` when `all_bad` of `of` are bad."""
    first = max(0, shards - (of - all_bad))
    return sum(
        exp(_log_choose(all_bad, count) + _log_choose(of - all_bad, shards - count) - _log_choose(of, shards))
        for count in range(first, min(bad, all_bad) + 1)
    )


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
