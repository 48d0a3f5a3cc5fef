"""The fate of every row: counts, and the places of good rows that stay out."""

from array import array
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.run.status import Status
from dataset.figures.counts import Counts, count_fates
from dataset.merge.key_rows import ROW_BITS
from dataset.merge.outcomes import OUTCOMES
from dataset.merge.repeats import CAPTIONED, is_kept, is_outcome
from dataset.merge.spill import MOST_BUCKETS, Spill

DROPPED = pa.schema([("place", pa.int64())])


class Ledger:
    """The books of a merge.

    Args:
        shards: how many there are.
        folder: for what is spilled.
    """

    def __init__(self, shards: int, folder: Path) -> None:
        self.kept = array("q", bytes(8 * shards))
        """[shards] rows that each gives."""
        self.shards_per_block = max(1, -(-shards // MOST_BUCKETS))
        self.dropped = Spill(folder, max(1, -(-shards // self.shards_per_block)), DROPPED)
        """Places of good rows that stay out, by block of shards."""
        self._fates = Counter[str]()

    @property
    def counts(self) -> Counts:
        return count_fates(self._fates)

    def add(self, judged: pa.Table) -> None:
        """Book rows, each once: of schema `scan.ROW`, with their `fate`."""
        for group in judged.group_by(["outcome", "fate"]).aggregate([([], "count_all")]).to_pylist():
            self._fates[group["fate"] or OUTCOMES[group["outcome"]]] += group["count_all"]
        kept = is_kept(judged)
        self._count_kept(judged["place"].filter(kept), 1)
        # Only rows that a worker called good need to be named: the others show it themselves.
        self._drop(judged["place"].filter(pc.and_(is_outcome(judged, CAPTIONED), pc.invert(kept))))

    def move(self, places: pa.ChunkedArray, fate: str) -> None:
        """Book rows anew that were booked as kept."""
        self._fates[str(Status.OK)] -= len(places)
        self._fates[fate] += len(places)
        self._count_kept(places, -1)
        self._drop(places)

    def close(self) -> None:
        """No more rows."""
        self.dropped.close()

    def _count_kept(self, places: pa.ChunkedArray, sign: int) -> None:
        for group in pc.value_counts(shard_of(places)).to_pylist():
            self.kept[group["values"]] += sign * group["counts"]

    def _drop(self, places: pa.ChunkedArray) -> None:
        rows = pa.table({"place": places}, DROPPED)
        self.dropped.add(rows, pc.divide(shard_of(places), self.shards_per_block))


def shard_of(places: pa.ChunkedArray) -> pa.ChunkedArray:
    """[rows] int64: the number of each row's shard."""
    return pc.shift_right(places, ROW_BITS)
