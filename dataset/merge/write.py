"""The third pass: the rows of one output file from its pieces of shards."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from common.run.status import Status
from dataset.errors import BadRunError
from dataset.merge.key_rows import ROW_BITS
from dataset.merge.numbered_shard import NumberedShard
from dataset.merge.plan import Piece, Plan
from dataset.rows.shards import shard_rows


@dataclass(frozen=True)
class PieceReader:
    """Reads the rows that go out.

    Args:
        shards: of all runs, in order.
        plan: which of their rows go out.
        schema: of the output.
    """

    shards: Sequence[NumberedShard]
    plan: Plan
    schema: pa.Schema

    def rows(self, pieces: Sequence[Piece]) -> Iterator[pa.RecordBatch]:
        """The rows of `pieces` in order.

        Raises:
            BadRunError: a shard is bad, or has changed since it was scanned.
        """
        block, dropped = -1, None
        for piece in pieces:
            if self.plan.block(piece.shard) != block:
                block = self.plan.block(piece.shard)
                dropped = self.plan.dropped.read(block)["place"].sort()
            yield from self._piece(piece, dropped)

    def _piece(self, piece: Piece, dropped: pa.Array) -> Iterator[pa.RecordBatch]:
        shard = self.shards[piece.shard]
        place = piece.shard << ROW_BITS
        begin, end = piece.first, piece.first + piece.rows
        seen = 0
        columns = dict.fromkeys((*self.schema.names, "status"))
        for rows in shard_rows(shard.source.store, shard.source.run, shard.batch, tuple(columns)):
            kept = rows.filter(_is_kept(rows, place, dropped)).select(self.schema.names)
            place += rows.num_rows
            wanted = kept.slice(max(0, begin - seen), max(0, end - max(begin, seen)))
            seen += kept.num_rows
            if wanted.num_rows:
                yield wanted
            if seen >= end:
                return
        raise BadRunError(f"{shard.source.store.uri}/{shard.batch.shard_key}: changed meanwhile; start again")


def _is_kept(rows: pa.RecordBatch, place: int, dropped: pa.ChunkedArray) -> pa.Array:
    """[rows] bool: good, and not dropped; `place` is that of the first row, `dropped` is sorted."""
    good = pc.equal(rows["status"], str(Status.OK))
    first, last = pc.search_sorted(dropped, pa.array([place, place + rows.num_rows])).to_pylist()
    if first == last:
        return good
    out = pc.is_in(pa.arange(place, place + rows.num_rows), value_set=dropped.slice(first, last - first))
    return pc.and_not(good, out)
