"""Quantiles of Student's t distribution, which the standard library lacks."""

from functools import cache
from math import exp, lgamma, log

STEPS = 120
"""Halvings and terms: beyond double precision."""
TINY = 1e-300


@cache
def t_quantile(probability: float, freedom: int) -> float:
    """The `t` that a variable with `freedom` degrees of freedom stays below with this probability."""
    low, high = -1e6, 1e6
    for _ in range(STEPS):
        middle = (low + high) / 2
        if t_below(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def t_below(t: float, freedom: int) -> float:
    """The cumulative distribution function, by the regularised incomplete beta function."""
    tail = _beta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return tail if t < 0 else 1 - tail


def _beta(x: float, a: float, b: float) -> float:
    """I_x(a, b) (Abramowitz and Stegun, 26.5.8)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    return front / a / _fraction(x, a, b)


def _fraction(x: float, a: float, b: float) -> float:
    """1 + d1/(1 + d2/(1 + ...)), from the inside out."""
    value = 1.0
    for m in range(STEPS, 0, -1):
        half = m // 2
        if m % 2:
            d = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            d = half * (b - half) * x / ((a + 2 * half - 1) * (a + 2 * half))
        value = 1 + d / (value or TINY)
    return value
