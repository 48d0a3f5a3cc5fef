"""The machine's captions with the lowest ratings."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from dataset.survey.layout import Author
from dataset.survey.report.observations import Observation, Round

FAILURES = 12


@dataclass(frozen=True, slots=True)
class Failure:
    """A machine's caption with a low rating."""

    sample: str
    caption: str
    rating: float
    answers: int
    taken_for_human: float


def worst_captions(one: Round) -> Iterator[Failure]:
    """Those with the lowest mean rating, the worst first."""
    groups: dict[str, list[Observation]] = defaultdict(list)
    for each in one.observations:
        if each.truth == Author.MACHINE:
            groups[each.sample].append(each)
    captions = {sample.id: sample.caption for sample in one.survey.samples}
    worst = sorted(groups, key=lambda name: (fmean(each.rating for each in groups[name]), name))
    for name in worst[:FAILURES]:
        theirs = groups[name]
        yield Failure(
            name,
            captions[name],
            fmean(each.rating for each in theirs),
            len(theirs),
            fmean(each.guess == Author.HUMAN for each in theirs),
        )
