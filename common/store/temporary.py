"""Unfinished files of a folder store: removed on every exit, and swept away after a kill."""

import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PREFIX = "tmp"
STALE = 3600.0
"""Seconds without a change after which an unlocked file is stale: a write takes seconds."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def temporary_file(folder: Path, body: bytes) -> Iterator[Path]:
    """A synced file with this content, removed at the end; where the disk is full, stale ones go first."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        file = _write(folder, body)
    except OSError as error:
        if error.errno not in FULL or not sweep(folder):
            raise
        file = _write(folder, body)
    with _remove_at_end(file):
        yield Path(file.name)


def sweep(folder: Path) -> int:
    """Remove the files that killed processes left in `folder`; how many there were."""
    return sum(map(_remove_stale, folder.glob(f"{PREFIX}*")))


def _write(folder: Path, body: bytes) -> IO[bytes]:
    file = tempfile.NamedTemporaryFile(prefix=PREFIX, dir=folder, delete=False)  # noqa: SIM115 - open while locked
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        os.fchmod(file.fileno(), 0o644)
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    except BaseException:
        with _remove_at_end(file):
            raise
    return file


@contextmanager
def _remove_at_end(file: IO[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        Path(file.name).unlink(missing_ok=True)
        with suppress(OSError):  # a full disk refuses the buffered bytes
            file.close()


def _remove_stale(path: Path) -> bool:
    """Whether it was a stale file; a locked one is in use, however old."""
    with suppress(OSError):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and time.time() - found.st_mtime > STALE:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                return True
    return False
