"""A file whose reads may fail for reasons that are not its bytes'."""

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


class WatchedFile(io.RawIOBase):
    """Passes everything on; errors of reading go through `errors`, so that they differ from damage.

    Args:
        file: open for reading in binary.
        errors: a new context for each read, which turns the place's failures into ours.
    """

    def __init__(self, file: Any, errors: Callable[[], AbstractContextManager[None]]) -> None:
        self._file, self._errors = file, errors

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

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
