"""The journal of a verification, from which an interrupted one resumes."""

import hashlib
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields as fields_of
from pathlib import Path
from typing import IO, Any, Protocol

from producer.audit import Audit, Shard


class Journal(Protocol):
    """The audits of an earlier try, and the seed of its random choice."""

    @property
    def seed(self) -> int:
        """The same for all tries."""
        ...

    def find(self, shards: Sequence[Shard]) -> Audit | None:
        """The audit of these very shards, in these sizes, or None."""
        ...

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        """Keep an audit for the next try."""
        ...


class NoJournal:
    """Forgets everything."""

    def __init__(self) -> None:
        self.seed = new_seed()

    def find(self, shards: Sequence[Shard]) -> Audit | None:  # noqa: ARG002 - a journal's
        return None

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        pass


class FileJournal:
    """A line of JSON for each audit, below the user's state folder; removed once all is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = list(_read(path))
        self._known = {str(line["shards"]): audit for line in lines if (audit := _parse(line))}
        self.seed = next((line["seed"] for line in lines if isinstance(line.get("seed"), int)), new_seed())
        self._file: IO[str] | None = None

    def find(self, shards: Sequence[Shard]) -> Audit | None:
        return self._known.get(_digest(shards))

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        """A disk that takes no notes costs the next try time, not this one its answer."""
        fields = {field.name: getattr(audit, field.name) for field in fields_of(Audit)}
        with suppress(OSError):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("a")
                self._write({"seed": self.seed})
            self._write({"shards": _digest(shards), **fields})
            self._file.flush()

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        self.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def new_seed() -> int:
    return random.SystemRandom().getrandbits(63)


def journal_path(uri: str, run: str, percent: float | None = None) -> Path | None:
    """Where the journal of a run lies; None where this user has no home.

    Args:
        uri: of the run.
        run: its manifest.
        percent: of a sample.
    """
    with suppress(RuntimeError):
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        name = hashlib.sha256(f"{uri}\n{run}\n{percent}".encode()).hexdigest()[:16]
        return state / "caption-fleet" / "verify" / f"{name}.jsonl"
    return None


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with suppress(OSError), path.open(errors="replace") as lines:
        for line in lines:
            with suppress(ValueError):  # cut short by a kill
                fields = json.loads(line)
                if isinstance(fields, dict):
                    yield fields


def _parse(line: dict[str, Any]) -> Audit | None:
    """The audit of a line that holds one."""
    with suppress(KeyError, TypeError, ValueError):
        fields = {name: value for name, value in line.items() if name != "shards"}
        return Audit(**{**fields, "by_status": Counter(fields["by_status"])})
    return None


def _digest(shards: Sequence[Shard]) -> str:
    text = "\n".join(f"{shard.batch.id} {shard.size}" for shard in shards)
    return hashlib.sha256(text.encode()).hexdigest()
