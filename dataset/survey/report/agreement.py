"""How far raters agree beyond chance."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping

Distance = Callable[[float, float], float]


def nominal(first: float, second: float) -> float:
    return float(first != second)


def interval(first: float, second: float) -> float:
    return (first - second) ** 2


def krippendorff_alpha(values: Iterable[tuple[str, float]], distance: Distance) -> float | None:
    """Krippendorff's alpha: 1 is full agreement, 0 is chance (Krippendorff, "Computing ...", 2011).

    Raters may have left units out. None where no unit has two answers, or where all answers are the same.

    Args:
        values: the unit and the value of each answer.
        distance: between two values: `nominal` or `interval`.
    """
    units: dict[str, Counter[float]] = defaultdict(Counter)
    for unit, value in values:
        units[unit][value] += 1
    paired = [counts for counts in units.values() if counts.total() > 1]
    everything = sum(paired, Counter[float]())
    count = everything.total()
    expected = _disagreement(everything, distance) / (count - 1) if count else 0.0
    if not expected:
        return None
    observed = sum(_disagreement(counts, distance) / (counts.total() - 1) for counts in paired)
    return 1 - observed / expected


def _disagreement(counts: Mapping[float, int], distance: Distance) -> float:
    """Over all ordered pairs of answers."""
    return sum(n * m * distance(a, b) for a, n in counts.items() for b, m in counts.items())
