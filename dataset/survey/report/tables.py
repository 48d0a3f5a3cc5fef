"""All figures of one round: tables as the original has them, with intervals and the published figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from dataset.survey.answers import RATINGS
from dataset.survey.layout import Author
from dataset.survey.report.agreement import interval, krippendorff_alpha, nominal
from dataset.survey.report.by_rater import RaterRow, rater_rows
from dataset.survey.report.failures import Failure, worst_captions
from dataset.survey.report.observations import Observation, Round
from dataset.survey.report.ratings import RatingRow, rating_rows
from dataset.survey.report.shares import ShareRow, share_rows
from dataset.survey.report.telling import Telling, measure_telling


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything that the report says of one round."""

    title: str
    run: str
    machine_only: bool
    samples: int
    per_rater: int
    """Samples that each rater saw."""
    checks: int
    """Attention checks, which are not among the samples."""
    answers: int
    raters: int
    finished: int
    """Raters who answered every sample that they saw."""
    confusion: dict[Author, dict[Author, int]]
    """Answers by truth, then by guess."""
    shares: tuple[ShareRow, ...]
    ratings: tuple[RatingRow, ...]
    histogram: dict[Author, dict[int, int]]
    """Answers by truth, then by rating."""
    guess_alpha: float | None
    rating_alpha: float | None
    telling: Telling | None
    by_rater: tuple[RaterRow, ...]
    failures: tuple[Failure, ...]


def tables(one: Round) -> Tables:
    """All tables of a round."""
    observations, machine_only = one.observations, one.truth.machine_only
    by_rater = tuple(rater_rows(one))
    return Tables(
        title=one.survey.title,
        run=one.truth.run,
        machine_only=machine_only,
        samples=len(one.survey.samples) - len(one.survey.checks),
        per_rater=one.survey.share,
        checks=len(one.survey.checks),
        answers=len(observations),
        raters=len(by_rater),
        finished=sum(row.answers == one.survey.share for row in by_rater),
        confusion={
            truth: {guess: _count(observations, truth, guess) for guess in Author}
            for truth in _authors(machine_only)
        },
        shares=share_rows(observations, machine_only=machine_only),
        ratings=rating_rows(observations, machine_only=machine_only),
        histogram={truth: _histogram(observations, truth) for truth in _authors(machine_only)},
        guess_alpha=krippendorff_alpha(
            ((each.sample, float(each.guess == Author.HUMAN)) for each in observations), nominal
        ),
        rating_alpha=krippendorff_alpha(((each.sample, each.rating) for each in observations), interval),
        telling=measure_telling(observations),
        by_rater=by_rater,
        failures=tuple(worst_captions(one)),
    )


def _authors(machine_only: bool) -> tuple[Author, ...]:
    return (Author.MACHINE,) if machine_only else tuple(Author)


def _count(observations: Sequence[Observation], truth: Author, guess: Author) -> int:
    return sum(each.truth == truth and each.guess == guess for each in observations)


def _histogram(observations: Sequence[Observation], truth: Author) -> dict[int, int]:
    ratings = [each.rating for each in observations if each.truth == truth]
    return {rating: ratings.count(rating) for rating in RATINGS}
