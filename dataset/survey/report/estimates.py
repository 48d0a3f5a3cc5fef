"""Shares, means and standard deviations with 95 % intervals clustered by rater and by caption.

Each estimate is linearised, and its spread is that of the influences of single answers (`clusters`). So the
intervals speak of other raters on other captions.
"""

from dataclasses import dataclass
from math import inf
from statistics import fmean, stdev

from dataset.figures.student import t_below
from dataset.survey.report.clusters import TAIL, Clustered, Spread, count_groups, count_raters, spread_of


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

    Where all agree in everything no variance can be seen: the interval is then the exact one of as many
    independent trials as there are raters or captions.
    """
    groups = count_groups(flags)
    if groups > 1 and len({value for _, _, value in flags}) == 1:
        value, edge = flags[0][2], TAIL ** (1 / groups)
        low, high = (edge, 1.0) if value else (0.0, 1 - edge)
        return Estimate(value, low, high, len(flags), count_raters(flags))
    return mean(flags, largest=1)


def mean(values: Clustered, *, largest: float = inf) -> Estimate:
    """The mean of values from 0 to `largest`."""
    if not values:
        return _no_estimate(values)
    middle = fmean(value for _, _, value in values)
    influence = [(rater, caption, value - middle) for rater, caption, value in values]
    return _estimate(middle, influence, (0, largest))


def deviation(values: Clustered) -> Estimate:
    """The sample standard deviation."""
    if len(values) < 2:  # noqa: PLR2004 - one value does not deviate
        return _no_estimate(values)
    numbers = [value for _, _, value in values]
    middle, deviates = fmean(numbers), stdev(numbers)
    variance = fmean((value - middle) ** 2 for value in numbers)
    influence = [
        (rater, caption, ((value - middle) ** 2 - variance) / (2 * deviates) if deviates else 0.0)
        for rater, caption, value in values
    ]
    return _estimate(deviates, influence, (0, inf))


def difference(first: Clustered, second: Clustered) -> tuple[Estimate, float]:
    """The mean of the first minus that of the second, from -1 to 1, and the p-value of there being none.

    The same raters and captions may be in both. The p-value is two-sided and of the interval's own model:
    it is under 0.05 where the interval leaves out 0, and nowhere else.
    """
    if not first or not second:
        return _no_estimate([*first, *second]), 1.0
    total = len(first) + len(second)
    middles = [fmean(value for _, _, value in values) for values in (first, second)]
    influence = [
        (rater, caption, sign * (value - middle) * total / len(values))
        for sign, values, middle in zip((1, -1), (first, second), middles, strict=True)
        for rater, caption, value in values
    ]
    gap, spread = middles[0] - middles[1], spread_of(influence)
    if spread.groups > 1 and not spread.error and gap:
        return _unanimous(gap, influence, spread.groups)
    return _estimate(gap, influence, (-1, 1)), _p_value(gap, spread)


def _unanimous(gap: float, influence: Clustered, groups: int) -> tuple[Estimate, float]:
    """All agree in everything: as many independent trials as there are groups, each with the same end."""
    edge = 2 * TAIL ** (1 / groups) - 1
    low, high = (edge, 1.0) if gap > 0 else (-1.0, -edge)
    return Estimate(gap, low, high, len(influence), count_raters(influence)), min(1.0, 2 * 0.5**groups)


def _p_value(gap: float, spread: Spread) -> float:
    if spread.groups < 2 or not spread.error:  # noqa: PLR2004 - one rater tells nothing of others
        return 1.0
    return 2 * t_below(-abs(gap) / spread.error, spread.groups - 1)


def _estimate(value: float, influence: Clustered, ends: tuple[float, float]) -> Estimate:
    spread, raters = spread_of(influence), count_raters(influence)
    if spread.groups < 2 or not spread.error:  # noqa: PLR2004 - one rater tells nothing of others
        return Estimate(value, None, None, len(influence), raters)
    low, high = max(ends[0], value - spread.reach), min(ends[1], value + spread.reach)
    return Estimate(value, low, high, len(influence), raters)


def _no_estimate(values: Clustered) -> Estimate:
    return Estimate(None, None, None, len(values), count_raters(values))
