"""Every answer that stands, beside the truth."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from common.errors import FleetError
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, Author, Survey, Truth, read_survey, read_truth

BREAK = 300
"""Seconds between two answers from which on the rater was elsewhere."""
STANDING = (
    "SELECT rater, sample, guess, rating, revision, at, (SELECT max(before.at) FROM answer AS before"
    " WHERE before.rater = standing.rater AND before.id < standing.id)"
    " FROM standing WHERE guess IS NOT NULL ORDER BY rater, id"
)


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
    rows = _leave_out(_read_rows(folder), without, folder)
    if not {row.sample for row in rows} <= truth.samples.keys():
        raise FleetError(f"{folder / ANSWERS}: answers to samples of another survey; do not mix surveys")
    answers = [_observation(row, truth) for row in rows]
    checks = [one for one in answers if one.sample in truth.checks]
    observations = [one for one in answers if one.sample not in truth.checks]
    if not observations:
        raise FleetError(f"{folder}: nothing but attention checks was answered yet")
    return Round(folder, survey, truth, observations, checks)


class _Row(NamedTuple):
    """An answer that stands, as the database has it, and the time of the rater's answer before."""

    rater: int
    sample: str
    guess: str
    rating: int
    revision: int
    at: str
    before: str | None


def _read_rows(folder: Path) -> list[_Row]:
    rows = list[_Row]()
    if (folder / ANSWERS).exists():
        with open_database(folder / ANSWERS) as database, database.read_only() as connection:
            rows = [_Row(*row) for row in connection.execute(STANDING)]
    if not rows:
        raise FleetError(f"{folder}: nobody has answered yet; invite raters with `dataset survey invite`")
    return rows


def _leave_out(rows: Sequence[_Row], without: Collection[int], folder: Path) -> list[_Row]:
    unknown = set(without) - {row.rater for row in rows}
    if unknown:
        raise FleetError(f"{folder}: no answers of rater {min(unknown)}, who is to be left out")
    kept = [row for row in rows if row.rater not in without]
    if not kept:
        raise FleetError(f"{folder}: nobody is left whose answers could be reported")
    return kept


def _observation(row: _Row, truth: Truth) -> Observation:
    return Observation(
        rater=row.rater,
        sample=row.sample,
        truth=truth.samples[row.sample].author,
        guess=Author(row.guess),
        rating=row.rating,
        revision=row.revision,
        at=row.at,
        seconds=_seconds(row.before, row.at),
    )


def _seconds(before: str | None, at: str) -> float | None:
    if before is None:
        return None
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(before)).total_seconds()
    return seconds if seconds < BREAK else None
