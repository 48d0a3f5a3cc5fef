"""Draws rows by a seed, each row as likely as any other."""

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from common.console.progress import progress
from common.parallel import ordered_map
from common.run.status import Status
from dataset.rows.row_source import Row, RowSource

THREADS = 4
DRAWS_PER_ROW = 50
"""Rows looked at for each that is wanted, at most: where nearly all fail, the page stays short."""


@dataclass(frozen=True)
class Sample:
    """Rows in the order in which they were drawn."""

    rows: tuple[Row, ...]
    """Good rows, and those that failed on the way to them."""
    statuses: Counter[str]
    """Of every row that was drawn."""
    total: int
    """Rows that could have been drawn."""
    seed: int


def draw(source: RowSource, wanted: int, seed: int) -> Sample:
    """Draw rows until `wanted` of them are good.

    Raises:
        BadRunError: a shard is bad.
        PartError: a file of a data set is bad.
    """
    rows: list[Row] = []
    with progress("drawing rows", wanted) as advance:
        for row in islice(draw_rows(source, seed, at_once=2 * wanted), wanted * DRAWS_PER_ROW):
            rows.append(row)
            if row["status"] == Status.OK:
                advance(1)
                wanted -= 1
            if not wanted:
                break
    return Sample(tuple(rows), Counter(row["status"] for row in rows), sum(source.pieces), seed)


def draw_rows(source: RowSource, seed: int, at_once: int) -> Iterator[Row]:
    """Every row once, in the order that the seed gives; each piece is read but once for `at_once` rows."""
    positions = draw_positions(sum(source.pieces), seed)
    ends = list(accumulate(source.pieces))
    while some := list(islice(positions, at_once)):
        yield from _read(source, ends, some)


def draw_positions(rows: int, seed: int) -> Iterator[int]:
    """The numbers under `rows` in random order; memory is that of those drawn so far."""
    chances = random.Random(seed)  # noqa: S311 - a sample to look at
    drawn: set[int] = set()
    while 2 * len(drawn) < rows:
        position = chances.randrange(rows)
        if position not in drawn:
            drawn.add(position)
            yield position
    rest = [position for position in range(rows) if position not in drawn]
    chances.shuffle(rest)
    yield from rest


def _read(source: RowSource, ends: Sequence[int], positions: Sequence[int]) -> Iterator[Row]:
    by_piece: dict[int, list[int]] = defaultdict(list)
    for position in positions:
        by_piece[bisect_right(ends, position)].append(position)

    def read(piece: int) -> list[tuple[int, Row]]:
        first = ends[piece] - source.pieces[piece]
        wanted = by_piece[piece]
        return list(zip(wanted, source.read(piece, [one - first for one in wanted]), strict=True))

    found: dict[int, Row] = {}
    for rows in ordered_map(read, sorted(by_piece), THREADS):
        found |= rows
    yield from (found[position] for position in positions)
