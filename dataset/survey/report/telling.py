"""Whether raters can tell human from machine at all.

A permutation test over samples: if guesses had nothing to do with the truth, any half of the samples might as
well be the human one. Raters who always guess "human", and captions that everybody takes for a machine's,
stay as they are under every permutation, so neither makes the test too sure.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from dataset.survey.layout import Author
from dataset.survey.report.estimates import Estimate, difference, share
from dataset.survey.report.observations import Observation

PERMUTATIONS = 4_999
SEED = 0
SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class Telling:
    """How well raters can tell."""

    right: Estimate
    """Share of right guesses."""
    gap: Estimate
    """Share of human captions taken for human, minus that of machine captions; 0 is not telling at all."""
    p_value: float
    """Of a gap that far from 0 or farther, by chance alone."""
    permutations: int = PERMUTATIONS

    @property
    def tells(self) -> bool:
        return self.p_value < SIGNIFICANT


def telling(observations: Sequence[Observation]) -> Telling | None:
    """The test; None unless captions of both authors were answered."""
    guessed = {
        author: [(one.rater, float(one.guess == Author.HUMAN)) for one in observations if one.truth == author]
        for author in Author
    }
    if not all(guessed.values()):
        return None
    return Telling(
        right=share([(one.rater, float(one.guess == one.truth)) for one in observations]),
        gap=difference(guessed[Author.HUMAN], guessed[Author.MACHINE]),
        p_value=permutation_p(observations),
    )


def permutation_p(observations: Sequence[Observation]) -> float:
    """The two-sided p-value; never 0 (Phipson and Smyth, 2010)."""
    counts: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in observations:
        human, total = counts[one.sample]
        counts[one.sample] = human + (one.guess == Author.HUMAN), total + 1
    truly_human = {one.sample for one in observations if one.truth == Author.HUMAN}
    order = [counts[name] for name in sorted(counts, key=lambda name: (name not in truly_human, name))]
    chances = random.Random(SEED)  # noqa: S311 - a test, not a secret
    seen = abs(_gap(order, range(len(truly_human))))
    as_far = sum(
        abs(_gap(order, chances.sample(range(len(order)), len(truly_human)))) >= seen - 1e-12
        for _ in range(PERMUTATIONS)
    )
    return (1 + as_far) / (1 + PERMUTATIONS)


def _gap(counts: Sequence[tuple[int, int]], chosen: Sequence[int]) -> float:
    """Share of human guesses on the chosen samples minus that on the others."""
    human, total = sum(counts[n][0] for n in chosen), sum(counts[n][1] for n in chosen)
    all_human, all_total = sum(h for h, _ in counts), sum(n for _, n in counts)
    return human / total - (all_human - human) / (all_total - total)
