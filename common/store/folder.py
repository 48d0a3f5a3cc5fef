"""A store in a local folder: a hard link is its create-only write."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import StoreError
from common.store.base import RECORD_BYTES, Entry, OversizeError
from common.store.file_system import (
    folder_errors,
    link,
    open_regular,
    require_own_folders,
    sync,
    sync_folder,
)
from common.store.temporary import sweep, temporary_file

SCRATCH = ".tmp"
"""Unfinished files live here, outside every listing that anyone reads."""


NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})


class FolderStore:
    """Objects are files under `root`; see `Store`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = str(root)

    def create(self, key: str, body: bytes) -> bool:
        """Write beside, sync, then link: `link` fails where the name exists, on POSIX atomically."""
        with folder_errors(self.uri), self._temporary_file(body) as file:
            return self._link(file, self._target(key))

    def create_file(self, key: str, file: Path) -> bool:
        with folder_errors(self.uri):
            sync(file)
            return self._link(file, self._target(key))

    def _target(self, key: str) -> Path:
        """The file to write or remove; what others linked to leads nowhere else."""
        target = self.root / key
        require_own_folders(self.root, target)
        return target

    def _temporary_file(self, body: bytes) -> AbstractContextManager[Path]:
        return temporary_file(self._target(f"{SCRATCH}/new").parent, body)

    def _link(self, finished: Path, target: Path) -> bool:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            link(finished, target)
        except FileExistsError:
            return False
        sync_folder(target.parent)
        return True

    def read(self, key: str, most: int = RECORD_BYTES) -> bytes | None:
        with folder_errors(self.uri), suppress(FileNotFoundError), open_regular(self.root / key) as file:
            body = file.read(most + 1)
            if len(body) > most:
                raise OversizeError(self.uri, key, most)
            return body
        return None

    def open(self, key: str) -> BinaryIO | None:
        with folder_errors(self.uri), suppress(FileNotFoundError):
            return open_regular(self.root / key)
        return None

    def open_ranges(self, key: str) -> BinaryIO | None:
        return self.open(key)

    def exists(self, key: str) -> bool:
        with folder_errors(self.uri):
            return (self.root / key).is_file()

    def list(self, prefix: str, name: str = "") -> Iterator[Entry]:
        below, _, start = name.rpartition("/")
        with folder_errors(self.uri):
            for path in _walk(self.root / prefix / below, start):
                found = _stat(path)
                if found is not None and stat.S_ISREG(found.st_mode):
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Entry(path.relative_to(self.root).as_posix(), found.st_size, modified)

    def replace(self, key: str, body: bytes) -> None:
        with folder_errors(self.uri), self._temporary_file(body) as file:
            target = self._target(key)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
            sync_folder(target.parent)

    def delete(self, key: str) -> None:
        with folder_errors(self.uri):
            self._target(key).unlink(missing_ok=True)

    def delete_all(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.delete(key)

    @contextmanager
    def trial(self, key: str) -> Iterator[None]:
        folders = ((self.root / key).parent, self.root / SCRATCH, self.root, *self.root.parents)
        missing = [folder for folder in folders if not folder.exists()]
        try:
            yield
        finally:
            with suppress(StoreError):
                self.delete(key)
            for folder in missing:
                with suppress(OSError):  # others have begun to write there
                    folder.rmdir()

    def check_writable(self) -> None:
        with (
            folder_errors(self.uri),
            self.trial(SCRATCH + "/trial"),
            self._temporary_file(b""),
        ):
            sweep(self.root / SCRATCH)


def _stat(path: Path) -> os.stat_result | None:
    """None where there is nothing: deleted since, or a link that leads nowhere."""
    try:
        return path.stat()
    except OSError as error:
        if error.errno in NOTHING:
            return None
        raise


def _walk(top: Path, start: str) -> Iterator[Path]:
    """Everything below `top` whose first step begins with `start`."""
    for folder, folders, files in os.walk(top):
        if Path(folder) == top:
            folders[:] = [name for name in folders if name.startswith(start)]
            files = [name for name in files if name.startswith(start)]  # noqa: PLW2901
        yield from (Path(folder, name) for name in files)
