"""A file that a library sees through another one, which may count, refuse or explain its reads."""

import io
from typing import Any


class FileView(io.RawIOBase):
    """Passes seeks on; a subclass says how it is read.

    Args:
        file: open for random access in binary; it is not closed with this one.
    """

    def __init__(self, file: Any) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))
