"""Shares, means and standard deviations with 95 % intervals clustered by rater.

Answers of one rater resemble one another, so raters are the independent units, not answers. The intervals
come from the cluster-robust (sandwich) variance: each estimate is linearised, and the influences of a rater's
answers are summed; with G raters, the factor G/(G-1) and Student's t with G-1 degrees of freedom (Cameron and
Miller, "A practitioner's guide to cluster-robust inference", 2015). No random numbers are in them.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean, stdev

from dataset.survey.report.student import t_quantile

TAIL = 0.025

Clustered = Sequence[tuple[int, float]]
"""The rater and the value of each answer."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; null where there is too little to say."""

    value: float | None
    low: float | None
    high: float | None
    answers: int
    raters: int


def share(flags: Clustered) -> Estimate:
    """The share of ones among zeros and ones.

    Where all raters agree in everything no variance can be seen: the interval is then the exact one of as
    many independent trials as there are raters.
    """
    raters = _raters(flags)
    if flags and raters > 1 and len({value for _, value in flags}) == 1:
        value, edge = flags[0][1], TAIL ** (1 / raters)
        low, high = (edge, 1.0) if value else (0.0, 1 - edge)
        return Estimate(value, low, high, len(flags), raters)
    return mean(flags, largest=1)


def mean(values: Clustered, *, largest: float = inf) -> Estimate:
    """The mean of values from 0 to `largest`."""
    if not values:
        return _nothing(values)
    middle = fmean(value for _, value in values)
    return _estimate(middle, [(rater, value - middle) for rater, value in values], largest)


def deviation(values: Clustered) -> Estimate:
    """The sample standard deviation."""
    if len(values) < 2:  # noqa: PLR2004 - one value does not deviate
        return _nothing(values)
    middle, spread = fmean(value for _, value in values), stdev(value for _, value in values)
    variance = fmean((value - middle) ** 2 for _, value in values)
    influence = [
        (rater, ((value - middle) ** 2 - variance) / (2 * spread) if spread else 0.0)
        for rater, value in values
    ]
    return _estimate(spread, influence, inf)


def difference(first: Clustered, second: Clustered) -> Estimate:
    """The mean of the first minus that of the second; the same raters may be in both."""
    if not first or not second:
        return _nothing([*first, *second])
    total = len(first) + len(second)
    middles = [fmean(value for _, value in values) for values in (first, second)]
    influence = [
        (rater, sign * (value - middle) * total / len(values))
        for sign, values, middle in zip((1, -1), (first, second), middles, strict=True)
        for rater, value in values
    ]
    return _estimate(middles[0] - middles[1], influence, 1, smallest=-1)


def _estimate(value: float, influence: Clustered, largest: float, *, smallest: float = 0.0) -> Estimate:
    raters = _raters(influence)
    error = _standard_error(influence)
    if raters < 2 or not error:  # noqa: PLR2004 - one rater tells nothing of others
        return Estimate(value, None, None, len(influence), raters)
    reach = t_quantile(1 - TAIL, raters - 1) * error
    low, high = max(smallest, value - reach), min(largest, value + reach)
    return Estimate(value, low, high, len(influence), raters)


def _standard_error(influence: Clustered) -> float:
    """Of the mean of the influences, clustered; where clusters cancel out exactly, that of single answers."""
    count = len(influence)
    sums: dict[int, float] = defaultdict(float)
    for rater, value in influence:
        sums[rater] += value
    groups = len(sums)
    squares = sum(value**2 for value in sums.values())
    if groups > 1 and squares > 1e-18 * count:
        return sqrt(groups / (groups - 1) * squares) / count
    return sqrt(sum(value**2 for _, value in influence)) / count


def _raters(values: Clustered) -> int:
    return len({rater for rater, _ in values})


def _nothing(values: Clustered) -> Estimate:
    return Estimate(None, None, None, len(values), _raters(values))
