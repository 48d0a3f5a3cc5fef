"""The spread of an estimate whose answers are clustered by rater and by caption.

Answers of one rater resemble one another, and so do answers to one caption: neither are independent. The
two-way cluster-robust variance is that of sums by rater plus that of sums by caption minus that of single
answers; each has the factor G/(G-1), and Student's t has min(G)-1 degrees of freedom (Cameron, Gelbach and
Miller, "Robust inference with multiway clustering", 2011). No random numbers are in it.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from dataset.figures.student import t_quantile

TAIL = 0.025
TINY = 1e-18
"""Of a sum of squares by answer: less is rounding."""

Clustered = Sequence[tuple[int, str, float]]
"""The rater, the caption and the value of each answer."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How far an estimate may be off.

    Attributes:
        error: the standard error; 0 where all agree in everything.
        groups: raters or captions, whichever are fewer: as many independent units there are.
    """

    error: float
    groups: int

    @property
    def reach(self) -> float:
        """Half of the interval."""
        return t_quantile(1 - TAIL, self.groups - 1) * self.error


def spread_of(influence: Clustered) -> Spread:
    """Of the mean of the influences; where clusters cancel one another out, the largest of the three."""
    by_rater = _variance((rater, value) for rater, _, value in influence)
    by_caption = _variance((caption, value) for _, caption, value in influence)
    by_answer = _variance(((rater, caption), value) for rater, caption, value in influence)
    two_way = by_rater + by_caption - by_answer
    variance = two_way if two_way > TINY else max(by_rater, by_caption, by_answer)
    return Spread(sqrt(variance) if variance > TINY else 0.0, count_groups(influence))


def _variance(influence: Iterable[tuple[Hashable, float]]) -> float:
    """Of the mean of the influences, clustered one way; 0 where there is one cluster."""
    sums: dict[Hashable, float] = defaultdict(float)
    count = 0
    for cluster, value in influence:
        sums[cluster] += value
        count += 1
    groups = len(sums)
    squares = sum(value**2 for value in sums.values())
    return groups / (groups - 1) * squares / count**2 if groups > 1 else 0.0


def count_raters(values: Clustered) -> int:
    return len({rater for rater, _, _ in values})


def count_groups(values: Clustered) -> int:
    """Raters or captions, whichever are fewer."""
    return min(count_raters(values), len({caption for _, caption, _ in values}))
