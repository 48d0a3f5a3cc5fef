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
from common.run.batch import Batch
from common.run.provenance import Provenance
from common.run.schema import Status
from dataset.deny.canonical import canonical_urls
from dataset.deny.denied import HOST
from dataset.merge.keys import identify, image_hashes, row_keys, text_hashes
from dataset.merge.outcomes import Filters
from dataset.merge.refusals import listed_images
from dataset.merge.spill import Spill, buckets_for
from dataset.parallel import ordered_map
from dataset.rows.run_source import Source
from dataset.rows.shards import shard_provenance, shard_rows

THREADS = 4
ROW_BITS = 32
"""Bits of a `place` that are the row in its shard; the shard's number stands above them."""
ROW = pa.schema(
    [
        ("url", pa.uint64()),  # a hash of the canonical address
        ("image", pa.uint64()),  # the first bits of the SHA-256; 0 where there is none
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("place", pa.int64()),  # where the row lies, ascending in the order of the output
        ("run", pa.int16()),
        ("outcome", pa.int8()),
    ]
)
HOSTS = pa.field("host", pa.uint64())
"""A hash of the host, where rows are counted by host."""
CAPTIONS = frozenset(
    {"top_caption", "all_captions", "all_similarities", "shortlist", "shortlist_similarities"}
    | {"repaired_caption", "sha256"}
)
"""Columns that only good rows fill."""


@dataclass(frozen=True)
class NumberedShard:
    """A shard and its place in the order of the output: runs as they were named, then part, then row."""

    number: int
    run: int
    source: Source
    batch: Batch


@dataclass(frozen=True)
class Wanted:
    """The columns that the scan reads.

    Args:
        filters: which good rows stay out.
        schema: of the output; its columns' sizes are summed up.
        hosts: whether to hash the host.
    """

    filters: Filters
    schema: pa.Schema
    hosts: bool = False

    @property
    def rows(self) -> pa.Schema:
        return ROW.append(HOSTS) if self.hosts else ROW


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


def number_shards(sources: Sequence[Source]) -> list[NumberedShard]:
    pairs = ((run, source, batch) for run, source in enumerate(sources) for batch in source.batches)
    return [NumberedShard(number, *pair) for number, pair in enumerate(pairs)]


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
        tables.append(_row_table(rows, wanted, first, shard.run))
        first += rows.num_rows
        good += pc.sum(pc.equal(rows["status"], str(Status.OK))).as_py()
    captions, others = sizes
    return _Scanned(tables, captions / max(good, 1) + others / shard.batch.rows, provenance)


def _row_table(rows: pa.RecordBatch, wanted: Wanted, first: int, run: int) -> pa.Table:
    urls = canonical_urls(rows["URL"])
    columns = [
        text_hashes(identify(pc.coalesce(urls, rows["URL"]), rows["sha256"])),
        image_hashes(rows["sha256"]),
        *row_keys(rows["URL"], rows["TEXT"], rows["sha256"]),
        pa.arange(first, first + rows.num_rows),
        pa.repeat(pa.scalar(run, pa.int16()), rows.num_rows),
        wanted.filters.outcomes(rows, urls),
    ]
    if wanted.hosts:
        columns.append(text_hashes(pc.struct_field(pc.extract_regex(urls, pattern=HOST), "host")))
    return pa.Table.from_arrays(columns, schema=wanted.rows)


def _column_bytes(metadata: pq.FileMetaData, names: Sequence[str]) -> tuple[int, int]:
    """Compressed bytes of the captions and of the other columns among `names`."""
    sizes = {True: 0, False: 0}
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            name = column.path_in_schema.split(".")[0]
            if name in names:
                sizes[name in CAPTIONS] += column.total_compressed_size
    return sizes[True], sizes[False]
