"""How often the survey's 95 % intervals cover the truth: `python -m tests.benchmarks.intervals`.

Simulates whole surveys in which captions differ from one another (standard deviation 0.2 of the share, 0.5
of the rating) and raters too (0.05 and 0.1), and prints one JSON object: the coverage of the intervals of the
report, and of those that know of raters alone.
"""

import argparse
import json
import random
from collections.abc import Callable

from dataset.survey.report.clusters import Clustered
from dataset.survey.report.estimates import Estimate, mean, share

SHARE, RATING = 0.5, 3.8
CAPTION_SHARE, RATER_SHARE = 0.2, 0.05
CAPTION_RATING, RATER_RATING, NOISE = 0.5, 0.1, 0.9
SHAPES = ((20, 100), (20, 400), (40, 100), (10, 200))
"""Raters and captions."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--surveys", type=int, default=1_000)
    options = parser.parse_args()
    found = [_shape(raters, captions, options.surveys) for raters, captions in SHAPES]
    print(json.dumps({"surveys": options.surveys, "shapes": found}, indent=1))


def _shape(raters: int, captions: int, surveys: int) -> dict[str, object]:
    chances = random.Random(raters * captions)
    drawn = [simulate(chances, raters, captions) for _ in range(surveys)]
    return {
        "raters": raters,
        "captions": captions,
        "share_covered": coverage([flags for flags, _ in drawn], share, SHARE),
        "share_covered_by_raters_alone": coverage([_apart(flags) for flags, _ in drawn], share, SHARE),
        "rating_covered": coverage([ratings for _, ratings in drawn], mean, RATING),
        "rating_covered_by_raters_alone": coverage([_apart(ratings) for _, ratings in drawn], mean, RATING),
    }


def simulate(chances: random.Random, raters: int, captions: int) -> tuple[Clustered, Clustered]:
    """One survey in which every rater answers every caption: guesses, and ratings."""
    looks = [(chances.gauss(0, CAPTION_SHARE), chances.gauss(0, CAPTION_RATING)) for _ in range(captions)]
    moods = [(chances.gauss(0, RATER_SHARE), chances.gauss(0, RATER_RATING)) for _ in range(raters)]
    flags, ratings = [], []
    for rater, (leaning, kindness) in enumerate(moods):
        for caption, (look, quality) in enumerate(looks):
            flags.append((rater, f"{caption}", float(chances.random() < SHARE + leaning + look)))
            ratings.append((rater, f"{caption}", RATING + kindness + quality + chances.gauss(0, NOISE)))
    return flags, ratings


def coverage(surveys: list[Clustered], estimate: Callable[[Clustered], Estimate], truth: float) -> float:
    """The share of surveys whose interval covers the truth."""
    found = [estimate(answers) for answers in surveys]
    hits = sum(one.low is not None and one.high is not None and one.low <= truth <= one.high for one in found)
    return round(hits / len(found), 3)


def _apart(answers: Clustered) -> Clustered:
    """The same answers, each as if to a caption of its own: as a model of raters alone takes them."""
    return [(rater, f"{number}", value) for number, (rater, _, value) in enumerate(answers)]


if __name__ == "__main__":
    main()
