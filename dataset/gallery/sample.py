"""Draws rows of a run by a seed, each row as likely as any other."""

import random
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from common.console.progress import progress
from common.run.manifest import Batch
from common.run.schema import Status
from dataset.parallel import ordered_map
from dataset.shards import shard_rows
from dataset.source import Source

THREADS = 4
DRAWS_PER_ROW = 50
"""Rows looked at for each that is wanted, at most: where nearly all fail, the page stays short."""
COLUMNS = (
    "URL", "TEXT", "top_caption", "all_captions", "all_similarities",
    "shortlist", "shortlist_similarities", "status", "error",
)  # fmt: skip

Row = dict[str, Any]


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


def draw(source: Source, wanted: int, seed: int) -> Sample:
    """Draw rows until `wanted` of them are good.

    Raises:
        BadRunError: a shard is bad.
    """
    chances = random.Random(seed)  # noqa: S311 - a sample to look at
    positions = chances.sample(range(source.rows), min(source.rows, wanted * DRAWS_PER_ROW))
    rows: list[Row] = []
    with progress("drawing rows", wanted) as advance:
        for row in _in_order(source, positions, at_once=2 * wanted):
            rows.append(row)
            if row["status"] == Status.OK:
                advance(1)
                wanted -= 1
            if not wanted:
                break
    return Sample(tuple(rows), Counter(row["status"] for row in rows), source.rows, seed)


def _in_order(source: Source, positions: Sequence[int], at_once: int) -> Iterator[Row]:
    """The rows at these positions of the run, reading each shard but once for `at_once` of them."""
    ends = list(accumulate(batch.rows for batch in source.batches))
    for first in range(0, len(positions), at_once):
        some = positions[first : first + at_once]
        wanted: dict[int, list[int]] = defaultdict(list)
        for position in some:
            wanted[bisect_right(ends, position)].append(position)
        found: dict[int, Row] = {}
        jobs = [(source.batches[number], ends[number], wanted[number]) for number in sorted(wanted)]
        for rows in ordered_map(lambda job: _read(source, *job), jobs, THREADS):
            found |= rows
        yield from (found[position] for position in some)


def _read(source: Source, batch: Batch, end: int, positions: Sequence[int]) -> dict[int, Row]:
    found, first = {}, end - batch.rows
    for rows in shard_rows(source.store, source.run, batch, COLUMNS):
        for position in positions:
            if first <= position < first + rows.num_rows:
                found[position] = rows.slice(position - first, 1).to_pylist()[0]
        first += rows.num_rows
    return found
