"""Raters: their invitation codes, sessions and consent. Codes and session tokens are kept as hashes alone."""

import hashlib
import random
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

from common.errors import FleetError
from dataset.survey.database import Database
from dataset.survey.layout import Survey

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that looks like another."""
LOOKALIKES = str.maketrans("OIL", "011", "- ")
CODE_LENGTH = 16
"""Characters of 5 bits each: 80 bits."""
GROUP = 4
MOST_SESSIONS = 20
"""Of one code: browsers and devices of one person."""


@dataclass(frozen=True, slots=True)
class Rater:
    """A person with a code, known by a number alone."""

    id: int
    shuffle: str
    """Seed of the rater's own order."""
    consented: bool

    def order(self, survey: Survey) -> list[str]:
        """The ids of the samples that this rater sees, in an order of their own.

        Shares follow one another around the circle of samples, so that all get as many raters, but for one.
        """
        circle = sorted({sample.id for sample in survey.samples} - survey.checks)
        first = (self.id - 1) * survey.share
        theirs = {circle[(first + step) % len(circle)] for step in range(survey.share)} | survey.checks
        return random.Random(self.shuffle).sample(sorted(theirs), len(theirs))  # noqa: S311 - an order to see


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def invite(database: Database, count: int) -> list[str]:
    """New codes, one for each new rater; they are shown this once."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH)) for _ in range(count)]
    with database.transaction() as connection:
        connection.executemany(
            "INSERT INTO rater (code_hash, shuffle) VALUES (?, ?)",
            [(_code_hash(code), secrets.token_hex(16)) for code in codes],
        )
    return ["-".join(code[at : at + GROUP] for at in range(0, CODE_LENGTH, GROUP)) for code in codes]


def is_code(database: Database, code: str) -> bool:
    """Whether there is such a code, however it was typed."""
    with database.read_only() as connection:
        return _find_rater(connection, code) is not None


def enter(database: Database, code: str) -> str:
    """A new session's token for a code that there is; the oldest sessions beyond `MOST_SESSIONS` end.

    Raises:
        FleetError: there is no such code.
    """
    token = secrets.token_urlsafe(32)
    with database.transaction() as connection:
        rater = _find_rater(connection, code)
        if rater is None:
            raise FleetError("there is no such code")
        connection.execute("INSERT INTO session VALUES (?, ?, ?)", (_hash(token), rater, now()))
        connection.execute(
            "DELETE FROM session WHERE rater = ? AND rowid NOT IN"
            " (SELECT rowid FROM session WHERE rater = ? ORDER BY rowid DESC LIMIT ?)",
            (rater, rater, MOST_SESSIONS),
        )
    return token


def erase(database: Database, rater: int) -> int:
    """Delete all that is known of a rater, code and sessions too; returns how many answers there were.

    Raises:
        FleetError: there is no such rater.
    """
    with database.transaction() as connection:
        answers = connection.execute("DELETE FROM answer WHERE rater = ?", (rater,)).rowcount
        connection.execute("DELETE FROM session WHERE rater = ?", (rater,))
        if not connection.execute("DELETE FROM rater WHERE id = ?", (rater,)).rowcount:
            raise FleetError(f"--rater {rater}: there is no such rater; `dataset survey report` numbers them")
    return int(answers)


def _find_rater(connection: sqlite3.Connection, code: str) -> int | None:
    found = connection.execute("SELECT id FROM rater WHERE code_hash = ?", (_code_hash(code),)).fetchone()
    return None if found is None else int(found[0])


def rater_of(database: Database, token: str) -> Rater | None:
    """Whose session it is."""
    with database.read_only() as connection:
        found = connection.execute(
            "SELECT id, shuffle, consented_at FROM session JOIN rater ON rater.id = session.rater"
            " WHERE token_hash = ?",
            (_hash(token),),
        ).fetchone()
    return None if found is None else Rater(found[0], found[1], consented=found[2] is not None)


def leave(database: Database, token: str) -> None:
    """End a session."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM session WHERE token_hash = ?", (_hash(token),))


def consent(database: Database, rater: Rater) -> None:
    """Note that the rater agreed, and when first."""
    with database.transaction() as connection:
        connection.execute(
            "UPDATE rater SET consented_at = coalesce(consented_at, ?) WHERE id = ?", (now(), rater.id)
        )


def _code_hash(code: str) -> bytes:
    return _hash(code.upper().translate(LOOKALIKES))


def _hash(secret: str) -> bytes:
    """Of a secret with far more than 64 random bits: no salt and no stretching needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
