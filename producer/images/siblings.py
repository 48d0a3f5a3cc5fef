"""The files that lie beside another one."""

from collections.abc import Iterable
from pathlib import Path
from threading import Lock

from common.errors import NoPlaceError, RefusedError, StoreError
from common.run.hub import find_on_hub
from common.settings import S3Settings
from common.store import is_s3
from producer.bucket import list_folder


class Siblings:
    """Names in the folders of parts; each folder is listed once, whichever threads ask.

    Where listing is forbidden, or the folder is none, a part has no siblings: its reader may still open it by
    name. Where a folder cannot be reached every question is a StoreError, since the answer decides which rows
    a part has.
    """

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._folders: dict[str, frozenset[str]] = {}
        self._listing: dict[str, Lock] = {}

    def has(self, address: str) -> bool:
        """Whether there is such a file."""
        return address in self.beside(address)

    def beside(self, address: str) -> frozenset[str]:
        """The addresses of all files in the same folder."""
        folder = address.rpartition("/")[0]
        with self._listing.setdefault(folder, Lock()):
            if folder not in self._folders:
                self._folders[folder] = self._list(folder)
        return self._folders[folder]

    def _list(self, folder: str) -> frozenset[str]:
        try:
            return frozenset(name for name in self._list_below(folder) if name.rpartition("/")[0] == folder)
        except (NoPlaceError, RefusedError, PermissionError, FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            raise StoreError(f"{folder}: cannot be listed ({error.strerror}); try again") from error

    def _list_below(self, folder: str) -> Iterable[str]:
        """What lies in a folder; on S3 and on the Hub also what lies deeper."""
        if is_s3(folder):
            return (address for address, _ in list_folder(folder, self._s3))
        if folder.startswith("hf://"):
            return find_on_hub(folder)[1]
        return map(str, Path(folder or "/").iterdir())
