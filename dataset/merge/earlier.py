"""The rows that a merged data set holds, beside those of its runs: which of them stay."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from common.console.progress import progress
from common.errors import FleetError
from common.settings import S3Settings
from common.store import Store
from dataset.deny.canonical import canonical_urls
from dataset.figures.counts import WITHDRAWN
from dataset.files.data_file import open_data_file
from dataset.files.merged import DataFile
from dataset.files.rewrite import batches
from dataset.merge.keys import KEY, identify, row_keys, text_hashes
from dataset.merge.ledger import shard_of
from dataset.merge.plan import judge
from dataset.merge.repeats import is_kept
from dataset.merge.scan import Scan
from dataset.merge.spill import MOST_BUCKETS, Spill

EARLIER = pa.schema(
    [
        ("url", pa.uint64()),
        ("high", pa.uint64()),
        ("low", pa.uint64()),
        ("file", pa.int32()),
        ("position", pa.int64()),
    ]
)
KEY_COLUMNS = ("URL", "TEXT", "sha256")
LOST = pa.schema([("file", pa.int32()), ("position", pa.int64())])


def scan_files(store: Store, files: Sequence[DataFile], buckets: int, folder: Path, s3: S3Settings) -> Spill:
    """Of every row of a data set its key and where it lies, spilled as the rows of shards are."""
    found = Spill(folder, buckets, EARLIER)
    with progress("reading the data set", sum(file.rows for file in files)) as advance:
        for number, file in enumerate(files):
            with open_data_file(store, file, s3) as parquet:
                position = 0
                kept = [name for name in KEY_COLUMNS if name in parquet.schema_arrow.names]
                for rows in batches(parquet, tuple(kept)):
                    found.add_hashed(_earlier(_with_images(rows, file.key), number, position), "url")
                    position += rows.num_rows
                    advance(rows.num_rows)
    found.close()
    return found


def _earlier(rows: pa.RecordBatch, number: int, first: int) -> pa.Table:
    addresses = pc.coalesce(canonical_urls(rows["URL"]), rows["URL"])
    urls = text_hashes(identify(addresses, rows["sha256"]))
    files = pa.repeat(pa.scalar(number, pa.int32()), rows.num_rows)
    positions = pa.arange(first, first + rows.num_rows)
    return pa.Table.from_arrays(
        [urls, *row_keys(rows["URL"], rows["TEXT"], rows["sha256"]), files, positions], schema=EARLIER
    )


def _with_images(rows: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """`KEY_COLUMNS` of rows; a row without URL is told by its image alone."""
    if "sha256" in rows.schema.names:
        return rows
    if rows["URL"].null_count:
        raise FleetError(
            f"{name}: rows without URL, which only --keep-columns tells apart; merge all runs anew with it"
        )
    return rows.append_column("sha256", pa.nulls(rows.num_rows, pa.string()))


@dataclass
class Earlier:
    """Tells rows that were merged before from new ones.

    Args:
        scan: of all shards.
        merged: [shards] bool: whether a shard was merged before.
        files: rows of the data set, by the buckets of `scan`.
        number: of files.
        folder: for what is spilled.
    """

    scan: Scan
    merged: pa.Array
    files: Spill
    number: int
    folder: Path
    lost_rows: dict[int, int] = field(default_factory=dict)
    """Rows that each file loses; files that lose none are absent."""

    def __post_init__(self) -> None:
        self._per_block = max(1, -(-self.number // MOST_BUCKETS))
        self._lost = Spill(self.folder, max(1, -(-self.number // self._per_block)), LOST)

    def revise(self, bucket: int, judged: pa.Table) -> pa.Table:
        """Rows that were withdrawn stay out; rows that others supersede are lost to their files."""
        theirs = self.files.read(bucket)
        withdrawn = pc.unique(self._read_kept(bucket).join(theirs, list(KEY), join_type="left anti")["url"])
        out = pc.and_(is_kept(judged), pc.is_in(judged["url"], value_set=withdrawn))
        fate = pc.if_else(out, WITHDRAWN, judged["fate"])
        judged = judged.set_column(judged.column_names.index("fate"), "fate", fate)
        stays = judged.filter(pc.and_(is_kept(judged), self._is_merged(judged))).select(list(KEY))
        self._lose(theirs.join(stays, list(KEY), join_type="left anti").select(LOST.names))
        return judged

    def _read_kept(self, bucket: int) -> pa.Table:
        """Keys and addresses of the rows that the data set should hold."""
        rows = self.scan.rows.read(bucket)
        judged = judge(rows.filter(self._is_merged(rows)), self.scan.images)
        return judged.filter(is_kept(judged)).select([*KEY, "url"])

    def _is_merged(self, rows: pa.Table) -> pa.ChunkedArray:
        return pc.take(self.merged, shard_of(rows["place"]))

    def _lose(self, lost: pa.Table) -> None:
        self._lost.add(lost, pc.divide(lost["file"], self._per_block))
        for group in pc.value_counts(lost["file"]).to_pylist():
            self.lost_rows[group["values"]] = self.lost_rows.get(group["values"], 0) + group["counts"]

    def close(self) -> None:
        """No more buckets: `lost_positions` can be read."""
        self._lost.close()

    def lost_positions(self, number: int) -> pa.Array:
        """Positions of the rows that a file loses."""
        lost = self._lost.read(number // self._per_block)
        return lost["position"].filter(pc.equal(lost["file"], number)).combine_chunks()
