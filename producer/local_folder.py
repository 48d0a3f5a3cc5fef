"""The folder of logs and broker file of `producer local`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from common.errors import FleetError
from common.store import is_s3


@contextmanager
def state_folder(uri: str) -> Iterator[Path]:
    """The folder of a run, below a local output; one producer at a time.

    Raises:
        FleetError: it cannot be written, leads elsewhere, or another producer has it.
    """
    folder = _state_path(uri)
    try:
        _require_own(folder)
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a")
    except OSError as error:
        raise FleetError(f"{folder}: {error.strerror}; is this a folder that you may write to?") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FleetError(
                f"{uri}: another `producer local` is at work here; let it end, or stop it"
            ) from error
        yield folder


def _require_own(folder: Path) -> None:
    """Check that no link or pipe lies where a lock, a log or the broker's file is written.

    Raises:
        FleetError: one does.
    """
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink() or (path.exists() and not (path.is_file() or path.is_dir())):
            raise FleetError(
                f"{path}: a link or pipe, where only files of `producer local` lie; move it away"
            )


def _state_path(uri: str) -> Path:
    if not is_s3(uri):
        return Path(uri) / ".local"
    return _state_home() / "caption-fleet" / sha256(uri.encode()).hexdigest()[:16]


def _state_home() -> Path:
    """The user's folder for such files (XDG base directory specification)."""
    named = os.environ.get("XDG_STATE_HOME")
    try:
        return Path(named) if named else Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise FleetError(
            "this user has no home folder for the broker's file; name a folder in XDG_STATE_HOME"
        ) from error
