"""The third pass: one output file from its pieces of shards."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.progress import Advance
from common.run.schema import Status
from dataset.errors import BadRunError
from dataset.merge.plan import Piece, Plan
from dataset.merge.scan import ROW_BITS, NumberedShard
from dataset.merged import TALLY, Merged
from dataset.provenance import KEY
from dataset.shards import shard_rows
from dataset.tally import Tally

ROW_GROUP_BYTES = 64 << 20
"""Uncompressed; about 60,000 rows, and what the Hub's viewer reads in one go."""
ROW_GROUP_ROWS = 1 << 17
FEW_VALUES = ("WIDTH", "HEIGHT", "part", "status", "error")
"""Columns whose values repeat: only these are worth a dictionary."""
COMPRESSION_LEVEL = {"zstd": 3}


@dataclass(frozen=True)
class FileWriter:
    """Writes any file of one merge.

    Args:
        shards: of all runs, in order.
        plan: which of their rows go out.
        merged: the recipe and the provenance.
        schema: of the output.
    """

    shards: Sequence[NumberedShard]
    plan: Plan
    merged: Merged
    schema: pa.Schema

    def write(self, path: Path, pieces: Sequence[Piece], advance: Advance) -> None:
        """Write the good rows of `pieces` to `path`; the bytes depend on the rows and the recipe alone.

        Raises:
            BadRunError: a shard is bad, or has changed since it was scanned.
        """
        tally = Tally()
        with self._open(path) as writer:
            for group in _row_groups(self._rows(pieces), self.schema):
                tally.add(group)
                writer.write_table(group, row_group_size=group.num_rows)
                advance(group.num_rows)
            writer.add_key_value_metadata({TALLY: tally.to_json()})

    def _open(self, path: Path) -> pq.ParquetWriter:
        compression = self.merged.recipe.compression
        return pq.ParquetWriter(
            path,
            self.schema.with_metadata({KEY: self._provenance()}),
            compression=compression,
            compression_level=COMPRESSION_LEVEL.get(compression),
            use_dictionary=[name for name in FEW_VALUES if name in self.schema.names],
            write_page_index=True,
            use_content_defined_chunking=True,  # the Hub then stores what two versions share but once
        )

    def _provenance(self) -> bytes:
        said = self.merged.model_dump(mode="json", include={"models", "dtypes", "sampling"})
        return json.dumps({**said, "version": self.merged.recipe.version}, sort_keys=True).encode()

    def _rows(self, pieces: Sequence[Piece]) -> Iterator[pa.RecordBatch]:
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
            kept = rows.filter(_kept(rows, place, dropped)).select(self.schema.names)
            place += rows.num_rows
            wanted = kept.slice(max(0, begin - seen), max(0, end - max(begin, seen)))
            seen += kept.num_rows
            if wanted.num_rows:
                yield wanted
            if seen >= end:
                return
        raise BadRunError(f"{shard.source.store.uri}/{shard.batch.shard_key}: changed meanwhile; start again")


def _kept(rows: pa.RecordBatch, place: int, dropped: pa.ChunkedArray) -> pa.Array:
    """[rows] bool: good, and not dropped; `place` is that of the first row, `dropped` is sorted."""
    good = pc.equal(rows["status"], str(Status.OK))
    first, last = pc.search_sorted(dropped, pa.array([place, place + rows.num_rows])).to_pylist()
    if first == last:
        return good
    out = pc.is_in(pa.arange(place, place + rows.num_rows), value_set=dropped.slice(first, last - first))
    return pc.and_not(good, out)


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if size >= ROW_GROUP_BYTES or rows >= ROW_GROUP_ROWS:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)
