"""Room for unfinished files, beside a folder store or in the system's temporary folder."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import StoreError
from common.store.address import is_s3
from common.store.base import Store
from common.store.folder import SCRATCH

PREFIX = "fleet-work-"


@contextmanager
def scratch(store: Store) -> Iterator[Path]:
    """An empty folder for the time of the block; leftovers of killed processes are swept away first.

    For a folder it lies on the same disk, so that finished files can be linked into place. Every
    `OSError` in the block is taken for one of the scratch folder's.

    Raises:
        StoreError: the disk is full, or cannot be written.
    """
    shared = is_s3(store.uri)
    parent = Path(tempfile.gettempdir()) if shared else Path(store.uri, SCRATCH)
    missing = [folder for folder in parent.parents if not folder.exists()]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        try:
            with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as name, _lock(Path(name)):
                yield Path(name)
        finally:
            if not shared:
                with suppress(OSError):
                    for folder in (parent, *missing):
                        folder.rmdir()  # unless something was made there
    except OSError as error:
        raise StoreError(
            f"{parent}: {error.strerror or error}; free disk space or fix permissions, then start again:"
            " finished files are kept"
        ) from error


def _sweep(parent: Path) -> None:
    """Remove our unlocked folders; foreign files are left alone."""
    for left in parent.glob(f"{PREFIX}*"):
        if _is_own_folder(left):
            with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError), _lock(left):
                shutil.rmtree(left)


def _is_own_folder(path: Path) -> bool:
    """Whether it is a folder of this user's, and no link to one."""
    try:
        found = path.lstat()
    except FileNotFoundError:  # swept away by another process
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """A lock that ends with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
