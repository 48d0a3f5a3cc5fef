"""Whether raters can tell human from machine at all: the verdict and its interval are of one model."""

from collections.abc import Sequence
from dataclasses import dataclass

from dataset.survey.layout import Author
from dataset.survey.report.estimates import Estimate, difference, share
from dataset.survey.report.observations import Observation

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

    @property
    def tells(self) -> bool:
        return self.p_value < SIGNIFICANT


def measure_telling(observations: Sequence[Observation]) -> Telling | None:
    """The test; None unless captions of both authors were answered."""
    guessed = {
        author: [
            (one.rater, one.sample, float(one.guess == Author.HUMAN))
            for one in observations
            if one.truth == author
        ]
        for author in Author
    }
    if not all(guessed.values()):
        return None
    gap, p_value = difference(guessed[Author.HUMAN], guessed[Author.MACHINE])
    right = share([(one.rater, one.sample, float(one.guess == one.truth)) for one in observations])
    return Telling(right, gap, p_value)
