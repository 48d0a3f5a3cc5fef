"""Attention checks: samples whose caption asks for a certain answer, to find inattentive raters."""

import random
from collections.abc import Iterable

from dataset.survey.layout import Author, Check

RATINGS = (0, 1, 2, 3, 4, 5)


def draw_checks(names: Iterable[str], seed: int) -> dict[str, Check]:
    """An answer for each sample of these ids; both authors in turn, so that no habit passes all."""
    chances = random.Random(f"checks {seed}")  # noqa: S311 - an answer to ask for
    authors = (Author.MACHINE, Author.HUMAN)
    return {
        name: Check(guess=authors[number % 2], rating=chances.choice(RATINGS))
        for number, name in enumerate(names)
    }


def caption_of(check: Check) -> str:
    """Spelt as all captions are."""
    return (
        f"for this picture please answer {check.guess} and {check.rating}, to show that you read the captions"
    )
