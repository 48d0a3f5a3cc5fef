"""The bound on the size of an archive's headers."""

import io
import tarfile
from typing import BinaryIO

HEADER_BYTES = 1 << 20
"""Of all headers of one member, long names and pax records included: honest ones take a kilobyte."""


class HeaderFile(io.RawIOBase):
    """A file as `tarfile` reads it: header by header, and never more than `HEADER_BYTES` for one member.

    `tarfile` reads a pax header whole, however large it says that it is, and one sparse map to its end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._left = file, HEADER_BYTES

    def begin_member(self) -> None:
        """The next reads are of another member."""
        self._left = HEADER_BYTES

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        """At most the rest of the member's bound.

        Raises:
            tarfile.ReadError: it asks for more.
        """
        if not 0 <= size <= self._left:
            raise tarfile.ReadError(f"headers of over {HEADER_BYTES >> 20} MB for one member")
        self._left -= size
        return self._file.read(size)
