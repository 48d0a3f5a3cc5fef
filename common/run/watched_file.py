"""A file whose reads may fail for reasons that are not its bytes'."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from common.file_view import FileView


class WatchedFile(FileView):
    """Passes everything on; errors of reading go through `errors`, so that they differ from damage.

    Args:
        file: open for reading in binary; it is closed with this one.
        errors: a new context for each read, which turns the place's failures into ours.
    """

    def __init__(self, file: Any, errors: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(file)
        self._errors = errors

    def read(self, size: int = -1) -> bytes:
        """Of the file itself: the base class would fill a buffer first, and copy it."""
        with self._errors():
            return bytes(self._file.read(size))

    def readinto(self, buffer: Any) -> int:
        with self._errors():
            return int(self._file.readinto(buffer))

    def close(self) -> None:
        self._file.close()
        super().close()
