"""The original's tables over our answers, each figure with its interval and the published one beside."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from dataset.survey.answers import RATINGS
from dataset.survey.layout import Author
from dataset.survey.report import original
from dataset.survey.report.agreement import interval, krippendorff_alpha, nominal
from dataset.survey.report.estimates import Estimate, deviation, mean, share
from dataset.survey.report.observations import Observation, Round
from dataset.survey.report.original import Published
from dataset.survey.report.telling import Telling, measure_telling

LEAST_GOOD = 2
"""The original's third table leaves out ratings under this."""
FAILURES = 12
Wanted = Callable[[Observation], bool]


@dataclass(frozen=True, slots=True)
class RatingRow:
    """Ratings of some answers."""

    label: str
    published: Published | None
    mean: Estimate
    deviation: Estimate


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A share of some answers."""

    label: str
    published: float | None
    share: Estimate


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


@dataclass(frozen=True, slots=True)
class Failure:
    """A machine's caption with a low rating."""

    sample: str
    caption: str
    rating: float
    answers: int
    taken_for_human: float


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
    by_rater = tuple(_by_rater(one))
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
        shares=tuple(_machine_shares(observations) if machine_only else _mixed_shares(observations)),
        ratings=tuple(_machine_ratings(observations) if machine_only else _mixed_ratings(observations)),
        histogram={truth: _histogram(observations, truth) for truth in _authors(machine_only)},
        guess_alpha=krippendorff_alpha(
            ((each.sample, float(each.guess == Author.HUMAN)) for each in observations), nominal
        ),
        rating_alpha=krippendorff_alpha(((each.sample, each.rating) for each in observations), interval),
        telling=measure_telling(observations),
        by_rater=by_rater,
        failures=tuple(_failures(one)),
    )


def _authors(machine_only: bool) -> tuple[Author, ...]:
    return (Author.MACHINE,) if machine_only else tuple(Author)


def _count(observations: Sequence[Observation], truth: Author, guess: Author) -> int:
    return sum(each.truth == truth and each.guess == guess for each in observations)


def _histogram(observations: Sequence[Observation], truth: Author) -> dict[int, int]:
    ratings = [each.rating for each in observations if each.truth == truth]
    return {rating: ratings.count(rating) for rating in RATINGS}


def _mixed_shares(observations: Sequence[Observation]) -> Iterator[ShareRow]:
    for truth in Author:
        of_truth = [each for each in observations if each.truth == truth]
        yield ShareRow(f"{truth} captions taken for human", None, _taken_for(of_truth, Author.HUMAN))
    right = [(each.rater, each.sample, float(each.guess == each.truth)) for each in observations]
    yield ShareRow("right guesses", None, share(right))


def _machine_shares(observations: Sequence[Observation]) -> Iterator[ShareRow]:
    published = {Author.HUMAN: original.TAKEN_FOR_HUMAN, Author.MACHINE: original.TAKEN_FOR_MACHINE}
    for guess in Author:
        yield ShareRow(f"taken for {guess}", published[guess], _taken_for(observations, guess))


def _taken_for(observations: Sequence[Observation], guess: Author) -> Estimate:
    return share([(each.rater, each.sample, float(each.guess == guess)) for each in observations])


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


def _by_rater(one: Round) -> Iterator[RaterRow]:
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


def _failures(one: Round) -> Iterator[Failure]:
    """The machine's captions with the lowest mean rating."""
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
