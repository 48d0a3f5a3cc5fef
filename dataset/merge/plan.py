"""The second pass: which rows stay out, how many each shard gives, and how they are cut into files."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.console.progress import progress
from dataset.counts import FILTERS, Counts, count_fates
from dataset.merge.outcomes import OK, OUTCOMES
from dataset.merge.repeats import fates, outcome_in, repeated
from dataset.merge.scan import ROW_BITS, Scan
from dataset.merge.spill import MOST_BUCKETS, Spill

DROPPED = pa.schema([("place", pa.int64())])
FILTERED = tuple(map(OUTCOMES.index, FILTERS))


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

    def files(self, row_bytes: Sequence[float], part_size: int) -> list[int]:
        """Rows of each file, alike but for one; the sizes come out near `part_size` and rarely above it."""
        rows = self.counts.rows_out
        total = sum(map(float.__mul__, map(float, self.kept), row_bytes))
        files = max(1, -(-int(total) // part_size))
        return [rows * (number + 1) // files - rows * number // files for number in range(files)]


def decide(scan: Scan, shards: int, folder: Path) -> Plan:
    """Judge the spilled rows, bucket by bucket.

    Args:
        scan: of the first pass.
        shards: how many there are.
        folder: for what is spilled.
    """
    per_block = max(1, -(-shards // MOST_BUCKETS))
    dropped = Spill(folder, max(1, -(-shards // per_block)), DROPPED)
    kept, counted = array("q", bytes(8 * shards)), Counter[str]()
    with progress("finding duplicates", scan.rows.buckets) as advance:
        for bucket in range(scan.rows.buckets):
            judged = _judge(scan.rows.read(bucket))
            counted += _count(judged)
            _add_kept(kept, judged)
            out = judged.filter(_stays_out(judged)).select(["place"])
            dropped.add(out, pc.divide(_shard(out["place"]), per_block))
            advance(1)
    dropped.close()
    return Plan(count_fates(counted), kept, dropped, per_block)


def _judge(rows: pa.Table) -> pa.Table:
    """`place`, `outcome` and `fate` of every row of a bucket."""
    more = repeated(rows)
    once = rows.filter(pc.invert(more)).select(["place", "outcome"])
    once = once.append_column("fate", pa.nulls(once.num_rows, pa.string()))
    return pa.concat_tables([once, fates(rows.filter(more))])


def _count(judged: pa.Table) -> Counter[str]:
    counted = Counter[str]()
    for group in judged.group_by(["outcome", "fate"]).aggregate([([], "count_all")]).to_pylist():
        counted[group["fate"] or OUTCOMES[group["outcome"]]] += group["count_all"]
    return counted


def _add_kept(kept: "array[int]", judged: pa.Table) -> None:
    good = judged.filter(pc.and_(pc.equal(judged["outcome"], OK), pc.is_null(judged["fate"])))
    for group in pc.value_counts(_shard(good["place"])).to_pylist():
        kept[group["values"]] += group["counts"]


def _stays_out(judged: pa.Table) -> pa.ChunkedArray:
    """Only rows that a worker called good need to be named: the others show it themselves."""
    repeats = pc.and_(pc.equal(judged["outcome"], OK), pc.is_valid(judged["fate"]))
    return pc.or_(repeats, outcome_in(judged, FILTERED))


def _shard(place: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.shift_right(place, ROW_BITS)


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
