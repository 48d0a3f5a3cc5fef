"""Figures of a sample with 95 % intervals for the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist, fmean, stdev

from dataset.figures.student import t_quantile

QUANTILE = 0.975
Z = NormalDist().inv_cdf(QUANTILE)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its interval, and how many values it rests on."""

    value: float
    low: float | None
    high: float | None
    count: int


def estimate_mean(values: Sequence[float]) -> Estimate:
    """The mean, by Student's t; without an interval where there is one value."""
    middle, count = fmean(values), len(values)
    if count < 2:  # noqa: PLR2004 - one value tells nothing of others
        return Estimate(middle, None, None, count)
    reach = t_quantile(QUANTILE, count - 1) * stdev(values) / sqrt(count)
    return Estimate(middle, middle - reach, middle + reach, count)


def estimate_share(flags: Sequence[bool]) -> Estimate:
    """A share, by Wilson's interval (1927), which never leaves 0 to 1."""
    count, share = len(flags), fmean(flags)
    centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z * sqrt(share * (1 - share) / count + Z**2 / (4 * count**2)) / (1 + Z**2 / count)
    return Estimate(share, centre - reach, centre + reach, count)
