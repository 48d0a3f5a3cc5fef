"""The first pass: of every row its key and its outcome, spilled by key."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.progress import progress
from common.run.manifest import Batch
from dataset.merge.keys import row_keys
from dataset.merge.outcomes import Filters
from dataset.merge.repeats import ROW
from dataset.merge.spill import Spill, buckets_for
from dataset.parallel import ordered_map
from dataset.shards import shard_provenance, shard_rows
from dataset.source import Source

THREADS = 4
ROW_BITS = 32
"""Bits of a `place` that are the row in its shard; the shard's number stands above them."""
HASH_BITS = 64


@dataclass(frozen=True)
class NumberedShard:
    """A shard and its place in the order of the output: runs as they were named, then part, then row."""

    number: int
    run: int
    source: Source
    batch: Batch


@dataclass
class Scan:
    """What the first pass found."""

    rows: Spill
    """Of schema `ROW`, by the high bits of the key."""
    row_bytes: "array[float]" = field(default_factory=lambda: array("d"))
    """[shards] mean compressed bytes of a row's output columns."""
    dtypes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Number formats that each model ran in, by role."""


@dataclass(frozen=True)
class _Scanned:
    rows: list[pa.Table]
    row_bytes: float
    dtypes: dict[str, str]


def number_shards(sources: Sequence[Source]) -> list[NumberedShard]:
    pairs = ((run, source, batch) for run, source in enumerate(sources) for batch in source.batches)
    return [NumberedShard(number, *pair) for number, pair in enumerate(pairs)]


def scan(shards: Sequence[NumberedShard], filters: Filters, schema: pa.Schema, folder: Path) -> Scan:
    """Read every shard once, keys and outcomes only.

    Args:
        shards: in the order of the output.
        filters: which good rows stay out.
        schema: of the output; its columns' sizes are summed up.
        folder: for what is spilled.
    """
    total = sum(shard.batch.rows for shard in shards)
    found = Scan(Spill(folder, buckets_for(total), ROW))
    shift = pa.scalar(HASH_BITS - (found.rows.buckets.bit_length() - 1), pa.uint64())
    with progress("reading keys", total) as advance:
        for one in ordered_map(lambda shard: _scan(shard, filters, schema), shards, THREADS):
            for rows in one.rows:
                found.rows.add(rows, _bucket(rows["high"], found.rows.buckets, shift))
                advance(rows.num_rows)
            found.row_bytes.append(one.row_bytes)
            for role, dtype in one.dtypes.items():
                found.dtypes[role].add(dtype)
    found.rows.close()
    return found


def _bucket(high: pa.ChunkedArray, buckets: int, shift: pa.Scalar) -> pa.ChunkedArray:
    """A shift by all 64 bits is none at all, so a single bucket is a case of its own."""
    return pc.shift_right(high, shift) if buckets > 1 else pc.multiply(high, pa.scalar(0, pa.uint64()))


def _scan(shard: NumberedShard, filters: Filters, schema: pa.Schema) -> _Scanned:
    tables: list[pa.Table] = []
    row_bytes, dtypes = 0.0, {}

    def look(file: pq.ParquetFile) -> None:
        nonlocal row_bytes, dtypes
        row_bytes = _column_bytes(file.metadata, schema.names) / shard.batch.rows
        dtypes = {role: model.dtype for role, model in shard_provenance(file).models.items()}

    first = shard.number << ROW_BITS
    columns = dict.fromkeys(("URL", "TEXT", *filters.columns))
    for rows in shard_rows(shard.source.store, shard.source.run, shard.batch, tuple(columns), seen=look):
        tables.append(_row_table(rows, filters, first, shard.run))
        first += rows.num_rows
    return _Scanned(tables, row_bytes, dtypes)


def _row_table(rows: pa.RecordBatch, filters: Filters, first: int, run: int) -> pa.Table:
    high, low = row_keys(rows["URL"], rows["TEXT"])
    places = pa.arange(first, first + rows.num_rows)
    runs = pa.repeat(pa.scalar(run, pa.int16()), rows.num_rows)
    return pa.Table.from_arrays([high, low, places, runs, filters.outcomes(rows)], schema=ROW)


def _column_bytes(metadata: pq.FileMetaData, names: Sequence[str]) -> int:
    wanted = frozenset(names)
    groups = map(metadata.row_group, range(metadata.num_row_groups))
    columns = (group.column(index) for group in groups for index in range(group.num_columns))
    return sum(
        column.total_compressed_size for column in columns if column.path_in_schema.split(".")[0] in wanted
    )
