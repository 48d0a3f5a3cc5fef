"""Every answer that stands, beside the truth."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import FleetError
from dataset.survey.database import open_database
from dataset.survey.layout import ANSWERS, Author, Survey, Truth, read_survey, read_truth


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


@dataclass(frozen=True, slots=True)
class Round:
    """One survey with its answers."""

    folder: Path
    survey: Survey
    truth: Truth
    observations: Sequence[Observation]


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
            "SELECT rater, sample, guess, rating, revision, at FROM standing"
            " WHERE guess IS NOT NULL ORDER BY rater, id"
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
    observations = [
        Observation(rater, sample, truth.samples[sample].author, Author(guess), *rest)
        for rater, sample, guess, *rest in rows
    ]
    return Round(folder, survey, truth, observations)
