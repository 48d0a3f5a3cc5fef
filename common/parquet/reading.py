"""How a row group is decoded, and the bytes that this may take."""

from collections import deque
from dataclasses import dataclass, field, replace

from common.console.words import quote
from common.parquet.chunk import Chunk
from common.parquet.errors import DamagedPageError, LargePageError
from common.parquet.lengths import longest_text, require_few_lengths
from common.parquet.page_header import (
    DELTA,
    DELTA_LENGTH,
    DICTIONARY,
    PLAIN_DICTIONARY,
    RLE_DICTIONARY,
    PageHeader,
)
from common.parquet.thrift import MalformedError

COPIES, COPIES_ONCE = 3, 8
"""How often pyarrow holds a dictionary, as it is and with what finds equal texts (measured: up to 9.4)."""

WRITTEN_OUT = 2
"""How often pyarrow holds a text that a page has in part, or elsewhere: its room grows by doubling."""

LENGTH_BYTES = 16
"""Of a value in a delta encoding: lengths of prefix and suffix, and what points to it."""

LARGE = 128 << 20
"""Bytes of a page from which on it is worth finding out how long its longest text is."""

FEWER = 8
"""By how much fewer rows are tried where a batch takes too much: each try begins the row group anew."""

OF_DICTIONARIES = (PLAIN_DICTIONARY, RLE_DICTIONARY)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a row group is decoded."""

    rows: int
    """At once."""
    once: frozenset[str]
    """Columns of which equal texts are held once, as numbers in a dictionary."""


class UnsuitedError(Exception):
    """The pages ask for another way to decode them."""

    def __init__(self, better: Reading) -> None:
        super().__init__(better)
        self.better = better


@dataclass(slots=True)
class _Column:
    """The bytes that a column takes while it is decoded."""

    page: int = 0
    last: int = 0
    dictionary: int = 0
    """With its copies."""
    entry: int = 0
    """Bytes of the longest text in the dictionary."""
    longest: int = 0
    recent: deque[tuple[int, int]] = field(default_factory=deque)
    """Values and bytes of text of the pages that may lie in one batch of rows."""
    values: int = 0
    text: int = 0

    def hold(self, header: PageHeader, *, is_wanted: bool, is_once: bool) -> None:
        """A page that is open; a reader keeps the one before while the next one is looked at."""
        size = max(header.compressed, header.uncompressed)
        if header.kind == DICTIONARY:
            self.dictionary = size * (COPIES_ONCE if is_once else COPIES)
            return
        self.page = size + (self.last if is_wanted else 0) + LENGTH_BYTES * header.values * _is_delta(header)
        self.last = size

    def add(self, values: int, text: int, longest: int, rows: int) -> None:
        """A page that is decoded by `rows` rows."""
        self.recent.append((values, text))
        self.values, self.text = self.values + values, self.text + text
        self.longest = max(self.longest, longest)
        while self.values - self.recent[0][0] >= rows:
            values, text = self.recent.popleft()
            self.values, self.text = self.values - values, self.text - text

    def bytes(self, rows: int) -> int:
        """All together, at the most."""
        text = min(self.text, rows * self.longest)
        return self.page + self.dictionary + text


class Budget:
    """Holds what the pages of a row group will take against `memory`, before they are unpacked.

    Args:
        reading: how the row group is decoded.
        memory: bytes that there are.
        bound: columns that pyarrow decodes into a dictionary whatever their pages are.
    """

    def __init__(self, reading: Reading, memory: int, bound: frozenset[str]) -> None:
        self._reading, self._memory, self._bound = reading, memory, bound
        self._columns: dict[str, _Column] = {}

    def see(self, chunk: Chunk, header: PageHeader) -> bool:
        """See `page_walk.See`.

        Raises:
            LargePageError: it takes more than `memory`, even if rows are decoded one by one.
            UnsuitedError: it does not, if it is decoded in another way.
        """
        column = self._columns.setdefault(chunk.column, _Column())
        wanted = chunk.is_text and self._is_wanted(chunk, header)
        column.hold(header, is_wanted=wanted, is_once=chunk.column in self._reading.once)
        if chunk.is_text and header.is_data and not wanted:
            self._add_text(chunk, header, header.uncompressed)
        self._require_room(chunk)
        return wanted

    def look(self, chunk: Chunk, header: PageHeader, page: memoryview) -> None:
        """See `page_walk.Look`.

        Raises:
            DamagedPageError: a delta encoding has more lengths than values.
            LargePageError: as `see`.
            UnsuitedError: as `see`.
        """
        longest = header.uncompressed
        try:
            values = chunk.unpack(header, page)
            if _is_delta(header):
                require_few_lengths(values, header.values, header.encoding)
            else:
                longest = longest_text(values, header.values)
        except MalformedError as error:
            if _is_delta(header):
                raise DamagedPageError(f"column {quote(chunk.column)}: {error}") from error
        if header.kind == DICTIONARY:
            self._columns[chunk.column].entry = longest
        else:
            self._add_text(chunk, header, longest)
        self._require_room(chunk)

    def _is_wanted(self, chunk: Chunk, header: PageHeader) -> bool:
        is_once = chunk.column in self._reading.once
        if header.kind == DICTIONARY:
            return not is_once
        if not header.is_data or header.encoding in OF_DICTIONARIES:
            return False
        if is_once and chunk.column not in self._bound:
            # pyarrow would put each text of such pages into one dictionary, which grows to the chunk's end.
            raise UnsuitedError(replace(self._reading, once=self._reading.once - {chunk.column}))
        return _is_delta(header) or header.uncompressed > LARGE

    def _add_text(self, chunk: Chunk, header: PageHeader, longest: int) -> None:
        column, text = self._columns[chunk.column], header.uncompressed
        if header.encoding in OF_DICTIONARIES:
            longest = 0 if chunk.column in self._reading.once else WRITTEN_OUT * column.entry
            text = header.values * longest
        elif header.encoding == DELTA:
            longest *= WRITTEN_OUT
            text = header.values * longest
        if chunk.column in self._bound:
            column.dictionary += COPIES_ONCE * header.uncompressed
        column.add(header.values, text, longest, self._reading.rows)

    def _require_room(self, chunk: Chunk) -> None:
        rows = self._reading.rows
        if self._bytes(rows) <= self._memory:
            return
        least = self._bytes(0)
        if rows == 1 or least > self._memory:
            megabytes = max(least, self._bytes(1)) >> 20
            raise LargePageError(
                f"column {quote(chunk.column)}: its pages take {megabytes} MB of memory,"
                f" more than {self._memory >> 20}; write it again with smaller pages"
            )
        raise UnsuitedError(replace(self._reading, rows=max(1, rows // FEWER)))

    def _bytes(self, rows: int) -> int:
        return sum(column.bytes(rows) for column in self._columns.values())


def _is_delta(header: PageHeader) -> bool:
    return header.is_data and header.encoding in (DELTA_LENGTH, DELTA)
