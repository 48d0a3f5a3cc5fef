"""Answers, only ever added: each names the revision that its rater saw, so none overwrites another unseen."""

from dataclasses import dataclass
from enum import StrEnum

from dataset.survey.database import Database
from dataset.survey.layout import Author
from dataset.survey.raters import now

RATINGS = range(6)


class Written(StrEnum):
    """The outcome of an answer."""

    KEPT = "kept"
    """It is on the disk, now or since an earlier try."""
    STALE = "stale"
    """Another answer was given meanwhile, from another window: that one stands."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A rater's judgement of a sample."""

    guess: Author
    rating: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a sample for a rater: its number of changes, and the current answer."""

    revision: int = 0
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A rater's progress."""

    done: frozenset[str]
    """Ids of samples."""
    last: str | None
    """The one that was answered last, of those not taken back."""
    last_revision: int
    """Of that answer; 0 where there is none."""


def write(database: Database, rater: int, sample: str, seen: int, answer: Answer | None) -> Written:
    """Add the answer that follows revision `seen`; None takes back.

    The same twice is kept once: a double click, or a browser that tries again after it lost the network.
    """
    content = (answer.guess, answer.rating) if answer else (None, None)
    with database.transaction() as connection:
        (latest,) = connection.execute(
            "SELECT coalesce(max(revision), 0) FROM answer WHERE rater = ? AND sample = ?", (rater, sample)
        ).fetchone()
        if latest == seen:
            connection.execute(
                "INSERT INTO answer (rater, sample, revision, guess, rating, at) VALUES (?, ?, ?, ?, ?, ?)",
                (rater, sample, seen + 1, *content, now()),
            )
            return Written.KEPT
        there = connection.execute(
            "SELECT guess, rating FROM answer WHERE rater = ? AND sample = ? AND revision = ?",
            (rater, sample, seen + 1),
        ).fetchone()
    return Written.KEPT if there == content else Written.STALE


def standing(database: Database, rater: int, sample: str) -> Standing:
    """The current answer to one sample."""
    with database.read_only() as connection:
        row = connection.execute(
            "SELECT revision, guess, rating FROM standing WHERE rater = ? AND sample = ?", (rater, sample)
        ).fetchone()
    if row is None:
        return Standing()
    revision, guess, rating = row
    return Standing(revision, None if guess is None else Answer(Author(guess), rating))


def progress(database: Database, rater: int) -> Progress:
    """Everything that stands of one rater."""
    with database.read_only() as connection:
        rows = connection.execute(
            "SELECT sample, revision FROM standing WHERE rater = ? AND guess IS NOT NULL ORDER BY id",
            (rater,),
        ).fetchall()
    last, revision = rows[-1] if rows else (None, 0)
    return Progress(frozenset(sample for sample, _ in rows), last, revision)
