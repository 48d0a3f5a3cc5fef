"""Mean ratings by author and by guess, in the rows of the original."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dataset.survey.answers import RATINGS
from dataset.survey.layout import Author
from dataset.survey.report import original
from dataset.survey.report.estimates import Estimate, deviation, mean
from dataset.survey.report.observations import Observation
from dataset.survey.report.original import Published

LEAST_GOOD = 2
"""The original's third table leaves out ratings under this."""
Wanted = Callable[[Observation], bool]


@dataclass(frozen=True, slots=True)
class RatingRow:
    """Ratings of some answers."""

    label: str
    published: Published | None
    mean: Estimate
    deviation: Estimate


def rating_rows(observations: Sequence[Observation], *, machine_only: bool) -> tuple[RatingRow, ...]:
    """The rows of the table.

    Args:
        observations: of one round.
        machine_only: whether the round is one of machine captions alone.
    """
    return tuple(_machine_ratings(observations) if machine_only else _mixed_ratings(observations))


def _mixed_ratings(observations: Sequence[Observation]) -> Iterator[RatingRow]:
    human, machine = Author
    yield _row("written by a human", original.HUMAN, observations, lambda o: o.truth == human)
    yield _row("written by a machine", original.MACHINE, observations, lambda o: o.truth == machine)
    yield _row("taken for human", original.GUESSED_HUMAN, observations, lambda o: o.guess == human)
    yield _row("taken for machine", original.GUESSED_MACHINE, observations, lambda o: o.guess == machine)
    good = [each for each in observations if each.rating >= LEAST_GOOD]
    without = "without ratings 0 and 1: "
    yield _row(f"{without}written by a human", original.GOOD_HUMAN, good, lambda o: o.truth == human)
    yield _row(f"{without}written by a machine", original.GOOD_MACHINE, good, lambda o: o.truth == machine)
    yield _row(f"{without}taken for human", None, good, lambda o: o.guess == human)
    yield _row(f"{without}taken for machine", None, good, lambda o: o.guess == machine)


def _machine_ratings(observations: Sequence[Observation]) -> Iterator[RatingRow]:
    yield _row("all captions", original.MACHINE_ONLY, observations, lambda _: True)
    human, machine = Author
    yield _row("taken for human", None, observations, lambda o: o.guess == human)
    yield _row("taken for machine", None, observations, lambda o: o.guess == machine)
    good = [each for each in observations if each.rating >= LEAST_GOOD]
    yield _row("without ratings 0 and 1: all captions", None, good, lambda _: True)


def _row(
    label: str, published: Published | None, observations: Sequence[Observation], wanted: Wanted
) -> RatingRow:
    values = [(each.rater, each.sample, float(each.rating)) for each in observations if wanted(each)]
    return RatingRow(label, published, mean(values, largest=max(RATINGS)), deviation(values))
