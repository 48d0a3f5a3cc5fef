"""Requirements on the file system of a folder, and its failures as one line."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from common.errors import NoPlaceError, StoreError

NO_LINKS = frozenset(
    {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EINVAL}
)
"""How file systems without hard links answer; want of rights is EACCES."""
NO_SYNC = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EISDIR})
NO_PLACE = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP})
"""What no waiting mends: something else is in the way, or no such name can be."""
ELSEWHERE = "use a folder on a local disk or NFS, or s3://"
ADVICE = {
    errno.EACCES: "may you write to this folder?",
    errno.EPERM: "may you write to this folder?",
    errno.EROFS: "may you write to this folder?",
    errno.EEXIST: "a file is in the way; choose another folder",
    errno.ENOTDIR: "a file is in the way; choose another folder",
    errno.EISDIR: "a folder is in the way; choose another folder",
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "its links lead in a circle",
}


class UnsupportedError(StoreError):
    """The file system lacks something that a create-only write needs."""

    label = "UnsupportedError"


@contextmanager
def folder_errors(uri: str) -> Iterator[None]:
    """Turn `OSError` into one line about `uri`.

    Raises:
        NoPlaceError: there can be no such object.
        StoreError: in place of any other `OSError`.
    """
    try:
        yield
    except UnsupportedError as error:
        raise StoreError(f"{uri}: {error}; {ELSEWHERE}") from error
    except OSError as error:
        advice = ADVICE.get(error.errno or 0, "is its disk mounted, and sound?")
        kind = NoPlaceError if error.errno in NO_PLACE else StoreError
        raise kind(f"{uri}: {error.strerror or error}; {advice}") from error


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe or device, which may keep its reader waiting, is none.

    Raises:
        OSError: it cannot be opened.
        NoPlaceError: it is no regular file.
    """
    file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - the caller closes it
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise NoPlaceError(f"{path}: a pipe or device, not a file; move it away")


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def require_own_folders(root: Path, target: Path) -> None:
    """Check that no folder between `root` and `target` is a link, which would lead a write elsewhere.

    Raises:
        NoPlaceError: one is.
    """
    for folder in target.parents:
        if folder == root:
            return
        if folder.is_symlink():
            raise NoPlaceError(f"{folder}: a link, and nothing is written through one; move it away")


def link(finished: Path, target: Path) -> None:
    """Give a finished file its name.

    Raises:
        FileExistsError: the name is taken.
        UnsupportedError: there are no hard links here.
    """
    try:
        os.link(finished, target)
    except OSError as error:
        if error.errno in NO_LINKS:
            raise UnsupportedError(f"this file system has no hard links here ({error.strerror})") from error
        raise


def sync(path: Path) -> None:
    """Let a file's bytes survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Let a folder's new name survive a power cut.

    Raises:
        UnsupportedError: folders cannot be synced here.
    """
    try:
        sync(path)
    except OSError as error:
        if error.errno in NO_SYNC:
            raise UnsupportedError(
                f"this file system cannot sync a folder (fsync: {error.strerror})"
            ) from error
        raise
