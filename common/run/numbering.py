"""Every batch of a run by number, so that a set of batches is one integer of as many bits.

Half a million batch ids in a set weigh 100 MB; as bits they weigh 73 KB, and union, difference and count
take microseconds.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from common.errors import FleetError
from common.run.batch import ROW_DIGITS, Batch, batch_id
from common.run.planned_part import MAX_BATCHES, Part

MAX_NUMBER = 10**8
"""Batches of one run: 12 MB of bits."""


class Numbering:
    """Numbers from 0, by part in the order given, then by row."""

    def __init__(self, parts: Iterable[Part], batch_rows: int) -> None:
        """Raises FleetError where a part, or all together, has more batches than can be counted."""
        self._batch_rows = batch_rows
        self._ids: list[str] = []
        self._rows: list[int] = []
        self._starts: list[int] = []
        self._index: dict[str, int] = {}
        self.total = 0
        for part in parts:
            self.add(part.id, part.rows)

    @property
    def part_ids(self) -> Collection[str]:
        return self._index.keys()

    @property
    def part_count(self) -> int:
        return len(self._ids)

    def add(self, part: str, rows: int) -> None:
        """Number the batches of one more part; of two parts of one id the first counts.

        Raises:
            FleetError: there would be too many.
        """
        count = -(-rows // self._batch_rows)
        if count > MAX_BATCHES or self.total + count > MAX_NUMBER:
            raise FleetError(
                f"part {part}: {count} more batches of {self._batch_rows} rows are too many for one run;"
                " start another with a larger --batch-rows"
            )
        if part not in self._index:
            self._index[part] = len(self._ids)
            self._ids.append(part)
            self._rows.append(rows)
            self._starts.append(self.total)
            self.total += count

    @property
    def parts(self) -> Iterator[tuple[str, int]]:
        """The id of each part, and how many batches it has."""
        ends = [*self._starts[1:], self.total]
        return ((part, end - start) for part, start, end in zip(self._ids, self._starts, ends, strict=False))

    def number(self, batch: str) -> int | None:
        """The number of a batch by its id; None where the run has no such batch."""
        part, _, digits = batch.rpartition("/")
        index = self._index.get(part)
        if index is None or len(digits) != ROW_DIGITS or not (digits.isascii() and digits.isdigit()):
            return None
        position, rest = divmod(int(digits), self._batch_rows)
        return None if rest or int(digits) >= self._rows[index] else self._starts[index] + position

    def batch(self, number: int) -> Batch:
        index = bisect_right(self._starts, number) - 1
        first = (number - self._starts[index]) * self._batch_rows
        return Batch(self._ids[index], first, min(self._batch_rows, self._rows[index] - first))

    def id(self, number: int) -> str:
        batch = self.batch(number)
        return batch_id(batch.part, batch.first_row)

    def bits(self, batches: Iterable[str]) -> int:
        """The set of these ids; those of other runs are left out."""
        return self.from_numbers(n for n in map(self.number, batches) if n is not None)

    def from_numbers(self, numbers: Iterable[int]) -> int:
        """The set of these numbers."""
        raw = bytearray(self.total // 8 + 1)
        for number in numbers:
            raw[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(raw, "little")

    def part_bits(self, parts: Iterable[str]) -> int:
        """All batches of some parts."""
        return self.from_numbers(chain.from_iterable(map(self._part_numbers, parts)))

    def _part_numbers(self, part: str) -> range:
        index = self._index[part]
        start = self._starts[index]
        return range(start, start - (-self._rows[index] // self._batch_rows))

    @property
    def all(self) -> int:
        return (1 << self.total) - 1

    def rows(self, bits: int) -> int:
        """Rows of a set of batches: the last batch of a part may be shorter."""
        raw = bits.to_bytes(self.total // 8 + 1, "little")
        short = 0
        for rows, start in zip(self._rows, self._starts, strict=True):
            full, rest = divmod(rows, self._batch_rows)
            last = start + full
            if rest and raw[last >> 3] >> (last & 7) & 1:
                short += self._batch_rows - rest
        return bits.bit_count() * self._batch_rows - short


def numbers(bits: int) -> Iterator[int]:
    """The numbers in a set, in order."""
    raw = bits.to_bytes(bits.bit_length() // 8 + 1, "little")
    for position, byte in enumerate(raw):
        for bit in range(8) if byte else ():
            if byte >> bit & 1:
                yield position * 8 + bit
