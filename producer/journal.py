"""The journal of a verification, from which an interrupted one resumes."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields as fields_of
from pathlib import Path
from typing import IO, Protocol

from producer.audit import Audit, Shard


class Journal(Protocol):
    """The audits of an earlier try."""

    def find(self, shards: Sequence[Shard]) -> Audit | None:
        """The audit of these very shards, in these sizes, or None."""
        ...

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        """Keep an audit for the next try."""
        ...


class NoJournal:
    """Forgets everything."""

    def find(self, shards: Sequence[Shard]) -> Audit | None:  # noqa: ARG002 - a journal's
        return None

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        pass


class FileJournal:
    """A line of JSON for each audit, below the user's state folder; removed once all is read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = dict(_read(path))
        self._file: IO[str] | None = None

    def find(self, shards: Sequence[Shard]) -> Audit | None:
        return self._known.get(_digest(shards))

    def note(self, shards: Sequence[Shard], audit: Audit) -> None:
        """A disk that takes no notes costs the next try time, not this one its answer."""
        with suppress(OSError):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self._path.open("a")
            fields = {field.name: getattr(audit, field.name) for field in fields_of(Audit)}
            self._file.write(json.dumps({"shards": _digest(shards), **fields}) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def forget(self) -> None:
        self.close()
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def journal_path(uri: str, run: str) -> Path | None:
    """Where the journal of a run lies; None where this user has no home.

    Args:
        uri: of the run.
        run: its manifest.
    """
    with suppress(RuntimeError):
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        name = hashlib.sha256(f"{uri}\n{run}".encode()).hexdigest()[:16]
        return state / "caption-fleet" / "verify" / f"{name}.jsonl"
    return None


def _read(path: Path) -> list[tuple[str, Audit]]:
    found = []
    with suppress(OSError), path.open(errors="replace") as lines:
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):  # cut short by a kill
                fields = json.loads(line)
                digest = fields.pop("shards")
                audit = Audit(**{**fields, "by_status": Counter(fields["by_status"])})
                found.append((digest, audit))
    return found


def _digest(shards: Sequence[Shard]) -> str:
    text = "\n".join(f"{shard.batch.id} {shard.size}" for shard in shards)
    return hashlib.sha256(text.encode()).hexdigest()
