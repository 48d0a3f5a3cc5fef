"""The bound on the size of an archive's headers."""

import tarfile
from typing import BinaryIO

from common.file_view import FileView

HEADER_BYTES = 1 << 20
"""Of all headers of one member, long names and pax records included: honest ones take a kilobyte."""


class HeaderFile(FileView):
    """A file as `tarfile` reads it: header by header, and never more than `HEADER_BYTES` for one member.

    `tarfile` reads a pax header whole, however large it says that it is, and one sparse map to its end.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._left = HEADER_BYTES

    def begin_member(self) -> None:
        """The next reads are of another member."""
        self._left = HEADER_BYTES

    def read(self, size: int = -1) -> bytes:
        """At most the rest of the member's bound.

        Raises:
            tarfile.ReadError: it asks for more.
        """
        if not 0 <= size <= self._left:
            raise tarfile.ReadError(f"headers of over {HEADER_BYTES >> 20} MB for one member")
        self._left -= size
        return bytes(self._file.read(size))
