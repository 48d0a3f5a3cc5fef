"""Raters made of random numbers, whose answers go through the real database."""

import random
from collections.abc import Callable
from pathlib import Path

from dataset.survey.answers import Answer, write
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, Author, Origin, read_survey, read_truth
from dataset.survey.raters import Rater, invite

Opinion = Callable[[random.Random, Origin], Answer]


def guess_blindly(chances: random.Random, _: Origin) -> Answer:
    """As the original's raters did in the second round: 47.5 % for human, ratings 3.81 ± 0.94 or so."""
    guess = Author.HUMAN if chances.random() < 0.475 else Author.MACHINE
    return Answer(guess, max(0, min(5, round(chances.gauss(3.81, 0.94)))))


def tell_often(chances: random.Random, origin: Origin) -> Answer:
    """Right four times of five; what they take for human they like better."""
    right = chances.random() < 0.8
    other = Author.MACHINE if origin.author == Author.HUMAN else Author.HUMAN
    guess = origin.author if right else other
    liking = 4.4 if guess == Author.HUMAN else 3.5
    return Answer(guess, max(0, min(5, round(chances.gauss(liking, 0.9)))))


def simulate(folder: Path, raters: int, opinion: Opinion, *, seed: int = 0) -> None:
    """All raters answer every sample that they see; attention checks are answered by opinion, too."""
    survey = read_survey(folder)
    truth = read_truth(folder, survey)
    chances = random.Random(seed)
    with open_database(folder / ANSWERS) as database:
        invite(database, raters)
        for number in range(1, raters + 1):
            rater = Rater(number, f"{number}", consented=True)
            for sample in sorted(rater.order(survey)):
                write(database, number, sample, 0, opinion(chances, truth.samples[sample]))
