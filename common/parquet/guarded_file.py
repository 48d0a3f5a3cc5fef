"""A file that its reader sees through a watch on the pages of some column chunks."""

import io
from collections.abc import Callable, Sequence
from typing import BinaryIO

from common.parquet.chunk import Chunk
from common.parquet.errors import DamagedPageError
from common.parquet.page_walk import Look, PageWalk, See

KEPT = 4 << 20
"""Bytes of the beginning of a chunk that are kept for a reader that begins anew."""


class GuardedFile(io.RawIOBase):
    """Passes reads on, once the page headers in them were seen.

    Args:
        file: open for random access; it is not closed with this one.
        find_chunks: the chunks that are read, asked for at the first read: a reader has taken the metadata
            for sound then, while to look at damaged ones alone ends the process in pyarrow.
    """

    def __init__(self, file: BinaryIO, find_chunks: Callable[[], Sequence[Chunk]]) -> None:
        self._file, self._find_chunks = file, find_chunks
        self._place = 0
        self._walks: list[PageWalk] | None = None
        self._kept: dict[tuple[int, int], bytes] = {}
        self._see: See
        self._look: Look

    def begin(self, see: See, look: Look) -> None:
        """A reader begins with the first page of each chunk."""
        self._walks, self._see, self._look = None, see, look

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            self._place = self._file.seek(offset, whence)
        else:
            self._place = offset + (self._place if whence == io.SEEK_CUR else 0)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Bytes of the file.

        Raises:
            DamagedPageError: they are not of the chunks; also what `see` and `look` raise.
        """
        walks = self._covering(self._place)
        body = self._read(walks, size)
        for walk in walks:
            walk.pass_by(self._place, body)
        self._place += len(body)
        return body

    def _covering(self, place: int) -> list[PageWalk]:
        if self._walks is None:
            self._walks = [PageWalk(chunk, self._see, self._look) for chunk in self._find_chunks()]
        found = [walk for walk in self._walks if walk.covers(place)]
        if not found:
            raise DamagedPageError("pages lie where none were announced")
        return found

    def _read(self, walks: Sequence[PageWalk], size: int) -> bytes:
        where = self._place, size
        body = self._kept.get(where)
        if body is None:
            self._file.seek(self._place)
            body = self._file.read(size)
            if any(self._place < walk.chunk.start + KEPT for walk in walks) and len(body) <= KEPT:
                self._kept[where] = body
        return body
