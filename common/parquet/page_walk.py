"""The pages of a column chunk, seen in the bytes that its reader takes: nothing is read twice."""

from collections.abc import Callable
from dataclasses import dataclass, field

from common.console.words import quote
from common.parquet.chunk import Chunk
from common.parquet.errors import DamagedPageError
from common.parquet.page_header import PageHeader, read_page_header
from common.parquet.thrift import CutShortError, MalformedError

MOST_EMPTY = 2_000
"""Pages without a value; writers have none."""

See = Callable[[Chunk, PageHeader], bool]
"""Is shown each header before a reader acts on it, and tells whether the page is wanted as well."""

Look = Callable[[Chunk, PageHeader, memoryview], None]
"""Is shown each page that is wanted, before a reader unpacks it."""


@dataclass(slots=True)
class PageWalk:
    """Follows a chunk: each header is shown while the reader waits for the bytes that end it."""

    chunk: Chunk
    see: See
    look: Look
    _place: int = field(init=False)
    """Of the next header, or of the page that is wanted."""
    _kept: bytes = b""
    """What has passed by from there on, and is not a whole yet."""
    _wanted: PageHeader | None = None
    _seen: int = 0
    _empty: int = 0

    def __post_init__(self) -> None:
        self._place = self.chunk.start

    def covers(self, place: int) -> bool:
        return self.chunk.start <= place < self.chunk.end

    def pass_by(self, place: int, body: bytes) -> None:
        """Bytes of the chunk that were read at `place`.

        Raises:
            DamagedPageError: a header is none, or bytes were left out; also what `see` and `look` raise.
        """
        rest = self._join(place, body)
        while rest and not self._is_done:
            step = self._step(rest)
            if step is None:
                break
            self._place += step
            rest = rest[step:]
        self._kept = b"" if self._is_done else bytes(rest)

    @property
    def _is_done(self) -> bool:
        """No reader goes on where a chunk has given its values: what follows may be anything."""
        return self._seen >= self.chunk.values and self._wanted is None

    def _join(self, place: int, body: bytes) -> memoryview:
        """The bytes from `_place` on."""
        end = self._place + len(self._kept)
        if place > end and not self._is_done:
            raise DamagedPageError(f"column {quote(self.chunk.column)}: pages that lie in others")
        fresh = memoryview(body)[max(end - place, 0) :]
        return memoryview(self._kept + fresh) if self._kept else fresh

    def _step(self, rest: memoryview) -> int | None:
        """Take a page that is wanted, or a header with the page that is not; None where bytes are missing."""
        if self._wanted is not None:
            return self._take_page(rest, self._wanted)
        try:
            header = read_page_header(rest)
        except CutShortError:
            return None
        except MalformedError as error:
            raise DamagedPageError(f"column {quote(self.chunk.column)}: {error}") from error
        self._count(header)
        if self.see(self.chunk, header):
            self._wanted = header
            return header.length
        return header.length + header.compressed

    def _count(self, header: PageHeader) -> None:
        self._seen += header.values if header.is_data else 0
        self._empty += not header.values
        if self._empty > MOST_EMPTY:
            raise DamagedPageError(f"column {quote(self.chunk.column)}: thousands of pages hold nothing")

    def _take_page(self, rest: memoryview, header: PageHeader) -> int | None:
        if len(rest) < header.compressed:
            return None
        self._wanted = None
        self.look(self.chunk, header, rest[: header.compressed])
        return header.compressed
