"""The second pass: which rows stay out, how many each shard gives, and how they are cut into files."""

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa

from common.console.progress import progress
from dataset.figures.counts import Counts
from dataset.merge.ledger import Ledger
from dataset.merge.refusals import apply_refusals
from dataset.merge.repeats import append_fates, is_kept
from dataset.merge.scan import Scan
from dataset.merge.spill import Spill
from dataset.merge.thin import thin
from dataset.merge.thinning import Thinning

Revise = Callable[[int, pa.Table], pa.Table]
"""Given a bucket's number and its judged rows, changes fates."""


@dataclass(frozen=True)
class Piece:
    """Good rows `first` to `first + rows` of those that one shard gives."""

    shard: int
    first: int
    rows: int


@dataclass(frozen=True)
class Plan:
    """Everything that the files of a merge follow from."""

    counts: Counts
    kept: "array[int]"
    """[shards] rows that each gives."""
    dropped: Spill
    """Places of good rows that stay out, by `block`."""
    shards_per_block: int

    def block(self, shard: int) -> int:
        """The bucket of `dropped` that holds a shard's rows."""
        return shard // self.shards_per_block


def decide(
    scan: Scan, shards: int, thinning: Thinning, folder: Path, revise: Revise = lambda _, judged: judged
) -> Plan:
    """Judge the spilled rows, bucket by bucket.

    Args:
        scan: of the first pass.
        shards: how many there are.
        thinning: of the rows that would go out.
        folder: for what is spilled.
        revise: has the last word on each bucket before rows are thinned.
    """
    ledger = Ledger(shards, folder / "dropped")
    kept = _spill_kept(scan, thinning, folder) if thinning else None
    with progress("finding duplicates", scan.rows.buckets) as advance:
        for bucket in range(scan.rows.buckets):
            judged = revise(bucket, judge(scan.rows.read(bucket), scan.images))
            ledger.add(judged)
            if kept:
                kept.add_hashed(judged.filter(is_kept(judged)).select(thinning.columns), "url")
            advance(1)
    if kept:
        kept.close()
        for fate, places in thin(kept, thinning, folder / "thinned"):
            ledger.move(places, fate)
    ledger.close()
    return Plan(ledger.counts, ledger.kept, ledger.dropped, ledger.shards_per_block)


def _spill_kept(scan: Scan, thinning: Thinning, folder: Path) -> Spill:
    fields = [scan.rows.schema.field(name) for name in thinning.columns]
    return Spill(folder / "kept", scan.rows.buckets, pa.schema(fields))


def judge(rows: pa.Table, images: pa.Array) -> pa.Table:
    """The rows of a bucket with their `fate`; `images` are those that a run's list named."""
    return append_fates(apply_refusals(rows, images))


def cut(kept: Sequence[int], row_bytes: Sequence[float], part_size: int) -> list[int]:
    """Rows of each file, alike but for one; the sizes come out near `part_size` bytes.

    Args:
        kept: [shards] rows that each gives.
        row_bytes: [shards] mean compressed bytes of a row.
        part_size: wanted of a file.
    """
    rows = sum(kept)
    total = sum(map(float.__mul__, map(float, kept), row_bytes))
    files = max(1, -(-int(total) // part_size)) if rows else 0
    return [rows * (number + 1) // files - rows * number // files for number in range(files)]


def pieces(kept: Sequence[int], files: Sequence[int]) -> list[list[Piece]]:
    """Which rows of which shards make up each file.

    Args:
        kept: [shards] rows that each gives.
        files: [files] rows of each.
    """
    ends = list(accumulate(kept))
    starts = [0, *accumulate(files)]
    return [_pieces(ends, kept, start, start + rows) for start, rows in zip(starts, files, strict=False)]


def _pieces(ends: Sequence[int], kept: Sequence[int], start: int, end: int) -> list[Piece]:
    found = []
    shard = bisect_right(ends, start)
    while start < end:
        taken = min(end, ends[shard]) - start
        if taken:
            found.append(Piece(shard, start - (ends[shard] - kept[shard]), taken))
        start += taken
        shard += 1
    return found
