"""The first pass: of every row its key and its outcome, spilled by address."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.progress import progress
from common.parallel import ordered_map
from common.run.provenance import Provenance
from common.run.status import Status
from dataset.merge.key_rows import ROW_BITS, Wanted, key_rows
from dataset.merge.numbered_shard import NumberedShard
from dataset.merge.refusals import listed_images
from dataset.merge.spill import Spill, buckets_for
from dataset.rows.shards import shard_provenance, shard_rows

THREADS = 4
CAPTIONS = frozenset(
    {"top_caption", "all_captions", "all_similarities", "shortlist", "shortlist_similarities"}
    | {"repaired_caption", "sha256"}
)
"""Columns that only good rows fill."""


@dataclass
class Scan:
    """The result of the first pass."""

    rows: Spill
    """Of schema `ROW`, and perhaps `HOSTS`, by the hash of the address."""
    row_bytes: "array[float]" = field(default_factory=lambda: array("d"))
    """[shards] mean compressed bytes of a good row's output columns."""
    dtypes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Number formats that each model ran in, by role."""
    versions: set[str] = field(default_factory=set)
    """Of the workers."""
    images: pa.Array = field(default_factory=lambda: pa.array([], pa.uint64()))
    """Hashes of the images that a run's list named."""


@dataclass(frozen=True)
class _Scanned:
    rows: list[pa.Table]
    row_bytes: float
    provenance: Provenance


def scan(shards: Sequence[NumberedShard], wanted: Wanted, folder: Path) -> Scan:
    """Read every shard once, keys and outcomes only; `folder` takes spilled tables."""
    total = sum(shard.batch.rows for shard in shards)
    found = Scan(Spill(folder, buckets_for(total), wanted.rows))
    images = [found.images]
    with progress("reading keys", total) as advance:
        for one in ordered_map(lambda shard: _scan(shard, wanted), shards, THREADS):
            for rows in one.rows:
                found.rows.add_hashed(rows, "url")
                images.append(listed_images(rows))
                advance(rows.num_rows)
            found.row_bytes.append(one.row_bytes)
            _note_provenance(found, one.provenance)
    found.rows.close()
    found.images = pc.unique(pa.concat_arrays(images))
    return found


def _note_provenance(found: Scan, provenance: Provenance) -> None:
    for role, model in provenance.models.items():
        found.dtypes[role].add(model.dtype)
    if provenance.version:
        found.versions.add(provenance.version)


def _scan(shard: NumberedShard, wanted: Wanted) -> _Scanned:
    tables: list[pa.Table] = []
    sizes, provenance = (0, 0), Provenance()

    def look(file: pq.ParquetFile) -> None:
        nonlocal sizes, provenance
        sizes = _column_bytes(file.metadata, wanted.schema.names)
        provenance = shard_provenance(file)

    first, good = shard.number << ROW_BITS, 0
    columns = dict.fromkeys(("URL", "TEXT", *wanted.filters.columns))
    for rows in shard_rows(shard.source.store, shard.source.run, shard.batch, tuple(columns), seen=look):
        tables.append(key_rows(rows, wanted, first, shard.run))
        first += rows.num_rows
        good += pc.sum(pc.equal(rows["status"], str(Status.OK))).as_py()
    captions, others = sizes
    return _Scanned(tables, captions / max(good, 1) + others / shard.batch.rows, provenance)


def _column_bytes(metadata: pq.FileMetaData, names: Sequence[str]) -> tuple[int, int]:
    """Compressed bytes of the captions and of the other columns among `names`."""
    sizes = {True: 0, False: 0}
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            name = column.path_in_schema.split(".")[0]
            if name in names:
                sizes[name in CAPTIONS] += column.total_compressed_size
    return sizes[True], sizes[False]
