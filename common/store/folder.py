"""A store in a local folder: a hard link is its create-only write."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import StoreError
from common.store.base import Entry

SCRATCH = ".tmp"
"""Unfinished files live here, outside every listing that anyone reads."""


class FolderStore:
    """Objects are files under `root`; see `Store`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uri = str(root)

    def create(self, key: str, body: bytes) -> bool:
        """Write beside, sync, then link: `link` fails where the name exists, on POSIX atomically."""
        with _store_errors(self.uri):
            scratch = self._scratch(body)
            try:
                return self._link(scratch, self.root / key)
            finally:
                scratch.unlink()

    def create_file(self, key: str, file: Path) -> bool:
        with _store_errors(self.uri):
            _sync(file)
            return self._link(file, self.root / key)

    def _link(self, finished: Path, target: Path) -> bool:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(finished, target)
        except FileExistsError:
            return False
        _sync(target.parent)
        return True

    def _scratch(self, body: bytes) -> Path:
        folder = self.root / SCRATCH
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        return Path(file.name)

    def read(self, key: str) -> bytes | None:
        with _store_errors(self.uri), suppress(FileNotFoundError):
            return (self.root / key).read_bytes()
        return None

    def open(self, key: str) -> BinaryIO | None:
        with _store_errors(self.uri), suppress(FileNotFoundError):
            return (self.root / key).open("rb")
        return None

    def exists(self, key: str) -> bool:
        with _store_errors(self.uri):
            return (self.root / key).is_file()

    def list(self, prefix: str) -> Iterator[Entry]:
        with _store_errors(self.uri):
            for path in (self.root / prefix).rglob("*"):
                if path.is_file():
                    found = path.stat()
                    modified = datetime.fromtimestamp(found.st_mtime, UTC)
                    yield Entry(path.relative_to(self.root).as_posix(), found.st_size, modified)

    def replace(self, key: str, body: bytes) -> None:
        target = self.root / key
        with _store_errors(self.uri):
            target.parent.mkdir(parents=True, exist_ok=True)
            self._scratch(body).replace(target)
            _sync(target.parent)

    def delete(self, key: str) -> None:
        with _store_errors(self.uri):
            (self.root / key).unlink(missing_ok=True)

    def check_writable(self) -> None:
        folders = (self.root / SCRATCH, self.root, *self.root.parents)
        missing = [folder for folder in folders if not folder.exists()]
        with _store_errors(self.uri):
            self._scratch(b"").unlink()
        with suppress(OSError):  # a worker has begun to write there
            for folder in missing:
                folder.rmdir()


@contextmanager
def _store_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{uri}: {error.strerror or error}; is this a folder that you may write to?"
        ) from error


def _sync(path: Path) -> None:
    """A file's bytes, or a folder's new name, must survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
