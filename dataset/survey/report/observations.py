"""Every answer that stands, beside the truth."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from common.errors import FleetError
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, Author, Survey, Truth, read_survey, read_truth

BREAK = 300
"""Seconds between two answers from which on the rater was elsewhere."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer."""

    rater: int
    sample: str
    truth: Author
    guess: Author
    rating: int
    revision: int
    """How often it was given or taken back until it stood."""
    at: str
    """When, in UTC (ISO 8601)."""
    seconds: float | None = None
    """Since the rater's answer before; None for the first one, and after a break."""


@dataclass(frozen=True, slots=True)
class Round:
    """One survey with its answers."""

    folder: Path
    survey: Survey
    truth: Truth
    observations: Sequence[Observation]
    checks: Sequence[Observation] = ()
    """Answers to attention checks."""

    def passes(self, answer: Observation) -> bool:
        """Whether an attention check was answered as it asks."""
        asked = self.truth.checks[answer.sample]
        return (answer.guess, answer.rating) == (asked.guess, asked.rating)


def read_round(folder: Path, without: Collection[int] = ()) -> Round:
    """The survey in a folder.

    Args:
        folder: of the survey.
        without: raters, by number, whose answers are left out.

    Raises:
        FleetError: it is damaged, nobody has answered, or a rater is left out who is not in it.
    """
    survey = read_survey(folder)
    truth = read_truth(folder, survey)
    if not (folder / ANSWERS).exists():
        raise FleetError(f"{folder}: nobody has answered yet; invite raters with `dataset survey invite`")
    with open_database(folder / ANSWERS) as database, database.read_only() as connection:
        rows = connection.execute(
            "SELECT rater, sample, guess, rating, revision, at, (SELECT max(before.at) FROM answer AS before"
            " WHERE before.rater = standing.rater AND before.id < standing.id)"
            " FROM standing WHERE guess IS NOT NULL ORDER BY rater, id"
        ).fetchall()
    if not rows:
        raise FleetError(f"{folder}: nobody has answered yet; invite raters with `dataset survey invite`")
    unknown = set(without) - {rater for rater, *_ in rows}
    if unknown:
        raise FleetError(f"{folder}: no answers of rater {min(unknown)}, who is to be left out")
    rows = [row for row in rows if row[0] not in without]
    if not rows:
        raise FleetError(f"{folder}: nobody is left whose answers could be reported")
    strangers = {sample for _, sample, *_ in rows} - truth.samples.keys()
    if strangers:
        raise FleetError(f"{folder / ANSWERS}: answers to samples of another survey; do not mix surveys")
    answers = [
        Observation(
            rater,
            sample,
            truth.samples[sample].author,
            Author(guess),
            rating,
            revision,
            at,
            _seconds(before, at),
        )
        for rater, sample, guess, rating, revision, at, before in rows
    ]
    checks = [one for one in answers if one.sample in truth.checks]
    observations = [one for one in answers if one.sample not in truth.checks]
    if not observations:
        raise FleetError(f"{folder}: nothing but attention checks was answered yet")
    return Round(folder, survey, truth, observations, checks)


def _seconds(before: str | None, at: str) -> float | None:
    if before is None:
        return None
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(before)).total_seconds()
    return seconds if seconds < BREAK else None
