"""The report's figures: by hand on a few answers, and by simulation on many."""

import random
from collections.abc import Sequence
from math import sqrt
from pathlib import Path

import pytest

from dataset.figures.student import t_below, t_quantile
from dataset.survey.layout import Author, Origin, Sample, Survey, Truth
from dataset.survey.report.agreement import interval, krippendorff_alpha, nominal
from dataset.survey.report.estimates import deviation, difference, mean, share
from dataset.survey.report.observations import Observation, Round
from dataset.survey.report.tables import Tables, tables
from dataset.survey.report.telling import measure_telling
from tests.benchmarks.intervals import RATING, SHARE, coverage, simulate
from tests.dataset.survey.surveys import sample_id

H, M = Author.HUMAN, Author.MACHINE
RATE = 0.475

FIXED = (  # rater, sample, guess, rating: samples 0 and 1 are human, 2 and 3 a machine's
    (1, 0, H, 5), (1, 1, M, 3), (1, 2, H, 4), (1, 3, M, 0),
    (2, 0, H, 4), (2, 1, H, 4), (2, 2, H, 5), (2, 3, M, 1),
    (3, 0, M, 2), (3, 1, H, 5), (3, 2, M, 3),
)  # fmt: skip


def observe(rater: int, number: int, truth: Author, guess: Author, rating: int = 3) -> Observation:
    return Observation(rater, sample_id(number), truth, guess, rating, 1, "2026-01-01T00:00:00.000+00:00")


def fixed_round(*, machine_only: bool = False) -> Round:
    truths = {n: M if machine_only or n > 1 else H for n in range(4)}
    samples = tuple(Sample(id=sample_id(n), caption=f"caption {n}") for n in range(4))
    origins = {sample_id(n): Origin(author=truth, source="x", caption="x") for n, truth in truths.items()}
    truth = Truth(run="/run", human=None if machine_only else "/human", seed=0, samples=origins)
    observations = [observe(rater, n, truths[n], guess, rating) for rater, n, guess, rating in FIXED]
    return Round(Path(), Survey(title="Fixed", contact="", samples=samples), truth, observations)


@pytest.fixture(scope="module")
def mixed() -> Tables:
    return tables(fixed_round())


def test_confusion_by_hand(mixed: Tables) -> None:
    assert mixed.confusion == {H: {H: 4, M: 2}, M: {H: 2, M: 3}}
    assert (mixed.samples, mixed.answers, mixed.raters, mixed.finished) == (4, 11, 3, 2)
    assert [row.share.value for row in mixed.shares] == [4 / 6, 2 / 5, 7 / 11]
    assert mixed.histogram == {
        H: {0: 0, 1: 0, 2: 1, 3: 1, 4: 2, 5: 2},
        M: {0: 1, 1: 1, 2: 0, 3: 1, 4: 1, 5: 1},
    }


def test_ratings_by_hand(mixed: Tables) -> None:
    found: list[tuple[object, ...]] = [
        (row.label, row.mean.value, row.deviation.value, row.mean.answers) for row in mixed.ratings
    ]
    without = "without ratings 0 and 1: "
    assert found == [
        ("written by a human", pytest.approx(23 / 6), pytest.approx(sqrt(41 / 30)), 6),  # 5 3 4 4 2 5
        ("written by a machine", pytest.approx(13 / 5), pytest.approx(sqrt(17.2 / 4)), 5),  # 4 0 5 1 3
        ("taken for human", pytest.approx(27 / 6), pytest.approx(sqrt(1.5 / 5)), 6),  # 5 4 4 4 5 5
        ("taken for machine", pytest.approx(9 / 5), pytest.approx(sqrt(6.8 / 4)), 5),  # 3 0 1 2 3
        (f"{without}written by a human", pytest.approx(23 / 6), pytest.approx(sqrt(41 / 30)), 6),
        (f"{without}written by a machine", pytest.approx(4.0), pytest.approx(1.0), 3),  # 4 5 3
        (f"{without}taken for human", pytest.approx(4.5), pytest.approx(sqrt(0.3)), 6),
        (f"{without}taken for machine", pytest.approx(8 / 3), pytest.approx(sqrt(1 / 3)), 3),  # 3 2 3
    ]


def test_the_published_figures_stand_beside(mixed: Tables) -> None:
    published = [row.published and (row.published.mean, row.published.deviation) for row in mixed.ratings]
    assert published == [
        (3.98, 0.99), (3.89, 1.12), (4.44, 0.61), (3.50, 1.15), (4.07, 0.81), (4.02, 0.94), None, None
    ]  # fmt: skip
    second = tables(fixed_round(machine_only=True))
    assert second.ratings[0].published is not None
    assert (second.ratings[0].published.mean, second.ratings[0].published.deviation) == (3.81, 0.94)
    assert [(row.label, row.published) for row in second.shares] == [
        ("taken for human", 0.475), ("taken for machine", 0.525)
    ]  # fmt: skip


def test_the_machine_only_round_by_hand() -> None:
    second = tables(fixed_round(machine_only=True))
    assert second.confusion == {M: {H: 6, M: 5}}
    assert [row.share.value for row in second.shares] == [6 / 11, 5 / 11]
    assert second.ratings[0].mean.value == pytest.approx(36 / 11)
    assert second.telling is None


def test_the_interval_of_a_share_by_hand(mixed: Tables) -> None:
    """Right guesses: rater 1 has 2 of 4, rater 2 3 of 4, rater 3 1 of 3; so 6 of 10 in all."""
    flags = [
        (1, "a", 1.0), (1, "b", 0.0), (1, "c", 0.0), (1, "d", 1.0),
        (2, "a", 1.0), (2, "b", 1.0), (2, "c", 0.0), (2, "d", 1.0),
        (3, "a", 0.0), (3, "b", 1.0),
    ]  # fmt: skip
    found = share(flags)
    by_rater = 3 / 2 * sum(value**2 for value in (2 - 4 * 0.6, 3 - 4 * 0.6, 1 - 2 * 0.6))
    by_caption = 4 / 3 * sum(value**2 for value in (2 - 1.8, 2 - 1.8, 0 - 1.2, 2 - 1.2))
    by_answer = 10 / 9 * (6 * 0.4**2 + 4 * 0.6**2)
    error = sqrt(by_rater + by_caption - by_answer) / 10
    assert found.value == pytest.approx(0.6)
    assert found.low == pytest.approx(0.6 - 4.302652729749462 * error)
    assert found.high == min(1, 0.6 + 4.302652729749462 * error) == 1
    assert (found.answers, found.raters) == (10, 3)


def test_the_interval_of_a_deviation_by_hand() -> None:
    """1 and 3 of one rater, 5 and 9 of another: squares 12.25, 2.25, 0.25, 20.25 around their mean 8.75."""
    found = deviation([(1, "a", 1.0), (1, "b", 3.0), (2, "a", 5.0), (2, "b", 9.0)])
    spread = sqrt(35 / 3)
    one, two, three, four = ((square - 8.75) / (2 * spread) for square in (12.25, 2.25, 0.25, 20.25))
    by_rater = 2 * ((one + two) ** 2 + (three + four) ** 2)
    by_caption = 2 * ((one + three) ** 2 + (two + four) ** 2)
    by_answer = 4 / 3 * (one**2 + two**2 + three**2 + four**2)
    assert by_rater + by_caption < by_answer  # they cancel one another out: the largest counts
    error = sqrt(max(by_rater, by_caption, by_answer)) / 4
    assert found.value == pytest.approx(spread)
    assert found.high == pytest.approx(spread + 12.706204736174707 * error)
    assert found.low == max(0, spread - 12.706204736174707 * error) == 0


def test_the_interval_of_a_difference_is_that_of_means_where_raters_differ() -> None:
    first = [(n, f"{n}", float(n % 3 == 0)) for n in range(40)]
    second = [(n + 40, f"{n + 40}", float(n % 2)) for n in range(40)]
    (gap, p_value), middle = difference(first, second), 14 / 40 - 0.5
    variance = sum((value - 14 / 40) ** 2 for *_, value in first) + sum((v - 0.5) ** 2 for *_, v in second)
    error = sqrt(80 / 79 * variance) / 40
    assert gap.value == pytest.approx(middle)
    assert gap.high == pytest.approx(middle + t_quantile(0.975, 79) * error)
    assert p_value == pytest.approx(2 * t_below(middle / error, 79))


def test_where_nothing_can_be_said() -> None:
    assert share([]).value is None
    alone = share([(1, "a", 1.0), (1, "b", 0.0)])
    assert (alone.value, alone.low, alone.high) == (0.5, None, None)
    one_caption = share([(1, "a", 1.0), (2, "a", 0.0)])
    assert (one_caption.value, one_caption.low) == (0.5, None)
    assert deviation([(1, "a", 3.0)]).value is None
    same = mean([(1, "a", 4.0), (2, "b", 4.0)])
    assert (same.value, same.low) == (4.0, None)
    unanimous = share([(rater, f"{n}", 1.0) for rater in range(5) for n in range(100)])
    assert (unanimous.value, unanimous.high) == (1.0, 1.0)
    assert unanimous.low == pytest.approx(0.025 ** (1 / 5))
    balanced = share([(1, "a", 1.0), (1, "b", 0.0), (2, "a", 0.0), (2, "b", 1.0)])
    assert balanced.low == 0.0  # raters who cancel out exactly are no proof


@pytest.mark.parametrize(
    ("freedom", "expected"),
    [(1, 12.706205), (2, 4.302653), (4, 2.776445), (9, 2.262157), (19, 2.093024), (200, 1.971896)],
)  # fmt: skip
def test_quantiles_are_those_of_printed_tables(freedom: int, expected: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(expected, abs=1e-6)
    assert t_quantile(0.025, freedom) == pytest.approx(-expected, abs=1e-6)
    assert t_below(expected, freedom) == pytest.approx(0.975, abs=1e-7)


def krippendorff_values() -> list[tuple[str, float]]:
    """Four observers, twelve units: the example of "Computing Krippendorff's Alpha-Reliability"."""
    rows = ("123321412...", "1233224125.3", ".33323422" + "51.", "123324412" + "51.")
    return [(str(unit), float(value)) for row in rows for unit, value in enumerate(row) if value != "."]


def test_agreement_is_krippendorffs_own_example() -> None:
    values = krippendorff_values()
    assert krippendorff_alpha(values, nominal) == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(values, interval) == pytest.approx(0.849, abs=5e-4)
    assert krippendorff_alpha([("a", 1.0), ("b", 2.0)], nominal) is None
    assert krippendorff_alpha([("a", 1.0), ("a", 1.0)], nominal) is None


def covered(chances: random.Random, raters: int, answers: int, spread: float) -> bool:
    """Whether the interval of one simulated machine-only round covers the truth."""
    flags = []
    for rater in range(raters):
        rate = RATE if not spread else chances.betavariate(RATE * spread, (1 - RATE) * spread)
        flags += [(rater, f"{n}", float(chances.random() < rate)) for n in range(answers)]
    found = share(flags)
    assert found.low is not None
    assert found.high is not None
    return found.low <= RATE <= found.high


@pytest.mark.parametrize(("raters", "answers", "spread"), [(20, 40, 0.0), (6, 60, 0.0), (20, 40, 5.0)])
def test_intervals_cover_the_truth_95_times_of_100(raters: int, answers: int, spread: float) -> None:
    """Raters who guess at 47.5 %; with a spread each has a rate of their own, around it."""
    chances = random.Random(raters * 7 + int(spread))
    rounds = 600
    hits = sum(covered(chances, raters, answers, spread) for _ in range(rounds))
    assert 0.925 <= hits / rounds <= 0.975  # 2.8 standard errors


def simulated(chances: random.Random, *, skill: float) -> Sequence[Observation]:
    """Ten raters on 40 samples; captions differ in how human they look to everybody, truth aside."""
    observations = []
    for number in range(40):
        truth = H if number < 20 else M
        looks = chances.random() + (skill if truth == H else -skill)
        for rater in range(10):
            guess = H if chances.random() < looks else M
            observations.append(observe(rater, number, truth, guess))
    return observations


@pytest.mark.parametrize(("raters", "captions"), [(20, 100), (10, 200)])
def test_intervals_cover_the_truth_where_captions_differ(raters: int, captions: int) -> None:
    chances = random.Random(raters)
    drawn = [simulate(chances, raters, captions) for _ in range(120)]
    assert coverage([flags for flags, _ in drawn], share, SHARE) >= 0.90  # 2.5 standard errors
    assert coverage([ratings for _, ratings in drawn], mean, RATING) >= 0.90


def test_raters_who_cannot_tell_pass_as_such_although_they_agree() -> None:
    chances = random.Random(5)
    found = [measure_telling(simulated(chances, skill=skill)) for skill in (0.0,) * 150 + (0.25,) * 20]
    assert sum(one is not None and one.tells for one in found[:150]) <= 15  # 7.5 are expected
    assert sum(one is not None and one.tells for one in found[150:]) >= 18


def test_the_verdict_and_its_interval_say_the_same() -> None:
    chances = random.Random(6)
    for skill in (0.0, 0.02, 0.05, 0.1, 0.2) * 20:
        found = measure_telling(simulated(chances, skill=skill))
        assert found is not None
        assert found.gap.low is not None
        assert found.gap.high is not None
        assert found.tells == (not found.gap.low <= 0 <= found.gap.high)


@pytest.mark.parametrize("samples", [2, 4, 6, 20])
def test_where_all_are_right_the_verdict_rests_on_how_many_there_are(samples: int) -> None:
    truths = {n: H if n < samples // 2 else M for n in range(samples)}
    found = measure_telling(
        [observe(rater, n, truth, truth) for rater in range(30) for n, truth in truths.items()]
    )
    assert found is not None
    assert found.gap.value == 1
    assert found.gap.low is not None
    assert found.tells == (found.gap.low > 0) == (samples >= 6)
