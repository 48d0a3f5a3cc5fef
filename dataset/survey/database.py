"""The answers' database: SQLite that has written an answer to the disk before it says so."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from common.errors import FleetError

PRIVATE = 0o600
SCHEMA_VERSION = 1
SCHEMA = """
    CREATE TABLE rater (
        id INTEGER PRIMARY KEY,
        code_hash BLOB NOT NULL UNIQUE,
        shuffle TEXT NOT NULL,
        consented_at TEXT
    ) STRICT;
    CREATE TABLE session (
        token_hash BLOB PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES rater,
        created_at TEXT NOT NULL
    ) STRICT;
    CREATE TABLE answer (
        id INTEGER PRIMARY KEY,
        rater INTEGER NOT NULL REFERENCES rater,
        sample TEXT NOT NULL,
        revision INTEGER NOT NULL CHECK (revision > 0),
        guess TEXT CHECK (guess IN ('human', 'machine')),
        rating INTEGER CHECK (rating BETWEEN 0 AND 5),
        at TEXT NOT NULL,
        UNIQUE (rater, sample, revision),
        CHECK ((guess IS NULL) = (rating IS NULL))
    ) STRICT;
    CREATE VIEW standing AS
        SELECT id, rater, sample, max(revision) AS revision, guess, rating, at
        FROM answer GROUP BY rater, sample;
"""
"""Answers are only ever added: the highest revision stands; one without a guess was taken back."""


class Database:
    """One connection to write and one to read, so that reading never waits for the disk.

    Threads take them in turn. A transaction is on the disk when it is over.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn, self._reading_turn = threading.Lock(), threading.Lock()
        with _database_errors(path):
            path.touch(PRIVATE)
            self._connection, self._reader = _connect(path), _connect(path)
            try:
                self._prepare()
            except BaseException:
                self.close()
                raise

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        (sound,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if sound != "ok":
            raise sqlite3.DatabaseError(sound)
        self._reader.execute("PRAGMA query_only = ON")
        with self.transaction() as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in SCHEMA.split(";\n")[:-1]:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise FleetError(f"{self.path}: of another version ({version}) of this software")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Read and write; committed, and on the disk, when the block ends well.

        Raises:
            FleetError: the database is damaged or cannot be written.
        """
        with self._turn, _database_errors(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def read_only(self) -> Iterator[sqlite3.Connection]:
        """Read only.

        Raises:
            FleetError: the database is damaged.
        """
        with self._reading_turn, _database_errors(self.path):
            yield self._reader

    def close(self) -> None:
        with self._turn, self._reading_turn:
            self._reader.close()
            self._connection.close()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA secure_delete = ON")  # erased raters are gone from the file too
    return connection


@contextmanager
def open_database(path: Path) -> Iterator[Database]:
    """The database at `path`, made if it is not there.

    Raises:
        FleetError: it is damaged, or cannot be written.
    """
    with closing(Database(path)) as database:
        yield database


@contextmanager
def _database_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise FleetError(f"{path}: {error}; is there room, and may you write there?") from error
    except sqlite3.DatabaseError as error:
        raise FleetError(
            f"{path}: damaged ({error}); restore it from a copy, or save what is left with `sqlite3 .recover`"
        ) from error
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror or error}; may you write there?") from error
