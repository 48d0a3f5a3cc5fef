"""The answers of each rater, and how attentive they were."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, median

from dataset.survey.layout import Author
from dataset.survey.report.observations import Observation, Round


@dataclass(frozen=True, slots=True)
class RaterRow:
    """One rater, by number."""

    rater: int
    answers: int
    taken_for_human: float
    right: float
    rating: float
    seconds: float | None
    """Median between two answers, breaks left out."""
    checks: int
    """Attention checks that were answered."""
    passed: int

    @property
    def is_inattentive(self) -> bool:
        """Whether more than half of the checks were failed."""
        return 2 * self.passed < self.checks


def rater_rows(one: Round) -> Iterator[RaterRow]:
    """A row for each rater, by number."""
    groups: dict[int, list[Observation]] = defaultdict(list)
    for each in one.observations:
        groups[each.rater].append(each)
    for rater, theirs in sorted(groups.items()):
        checks = [each for each in one.checks if each.rater == rater]
        times = [each.seconds for each in theirs if each.seconds is not None]
        yield RaterRow(
            rater,
            len(theirs),
            fmean(each.guess == Author.HUMAN for each in theirs),
            fmean(each.guess == each.truth for each in theirs),
            fmean(each.rating for each in theirs),
            median(times) if times else None,
            len(checks),
            sum(map(one.passes, checks)),
        )
