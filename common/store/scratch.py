"""Room for unfinished files, beside a folder store or in the system's temporary folder."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import StoreError
from common.store.address import is_s3
from common.store.base import Store
from common.store.file_system import require_own_folders
from common.store.folder import SCRATCH

PREFIX = "fleet-work-"


@contextmanager
def scratch(store: Store) -> Iterator[Path]:
    """An empty folder that is gone afterwards; those of killed processes are deleted first.

    For a folder it lies on the same disk, so that finished files can be linked into place. Every
    `OSError` in the block is taken for one of the scratch folder's.

    Raises:
        NoPlaceError: a link stands where the folder would be.
        StoreError: the disk is full, or cannot be written.
    """
    shared = is_s3(store.uri)
    parent = Path(tempfile.gettempdir()) if shared else Path(store.uri, SCRATCH)
    missing = [folder for folder in parent.parents if not folder.exists()]
    try:
        if not shared:
            require_own_folders(Path(store.uri), parent / PREFIX)
        parent.mkdir(parents=True, exist_ok=True)
        sweep(parent, PREFIX)
        try:
            with tempfile.TemporaryDirectory(prefix=PREFIX, dir=parent) as name, lock_folder(Path(name)):
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


def sweep(parent: Path, prefix: str, *, older_than: float = 0.0) -> None:
    """Remove our unlocked folders; foreign files are left alone.

    Args:
        parent: of the folders.
        prefix: of their names.
        older_than: seconds that a maker has to lock a new one.
    """
    for left in parent.glob(f"{prefix}*"):
        if _is_own_folder(left, older_than):
            with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError), lock_folder(left):
                shutil.rmtree(left)


def _is_own_folder(path: Path, older_than: float) -> bool:
    """Whether it is a folder of this user's, no link to one, and not too new."""
    try:
        found = path.lstat()
    except FileNotFoundError:  # swept away by another process
        return False
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_own and time.time() - found.st_mtime >= older_than


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """A lock that ends with the process, however it ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
