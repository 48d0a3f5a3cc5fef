"""Rows that do not fit in memory, dealt out to files by bucket."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

ROWS_IN_MEMORY = 1 << 20
MOST_BUCKETS = 256
"""One open file each."""
BUCKET = "bucket"
HASH_BITS = 64


def buckets_for(rows: int) -> int:
    """A power of two, so that the high bits of a hash name a bucket."""
    wanted = max(1, -(-rows // ROWS_IN_MEMORY))
    return min(MOST_BUCKETS, 1 << (wanted - 1).bit_length())


class Spill:
    """One Arrow stream a bucket, in a folder of its own.

    Args:
        folder: made here.
        buckets: how many.
        schema: of the rows.
    """

    def __init__(self, folder: Path, buckets: int, schema: pa.Schema) -> None:
        folder.mkdir(parents=True)
        self.buckets, self.schema = buckets, schema
        self._folder = folder
        self._writers = [pa.ipc.new_stream(self._path(bucket), schema) for bucket in range(buckets)]
        self._held: list[pa.Table] = []
        self._rows = 0

    def _path(self, bucket: int) -> str:
        return str(self._folder / f"{bucket:03d}.arrows")

    def add_hashed(self, rows: pa.Table, column: str) -> None:
        """Keep `rows`, each in the bucket that the high bits of `column`, a 64-bit hash, name."""
        self.add(rows, self._bucket(rows[column]))

    def _bucket(self, hashes: pa.ChunkedArray) -> pa.ChunkedArray:
        """A shift by all 64 bits is none at all, so a single bucket is a case of its own."""
        if self.buckets == 1:
            return pc.multiply(hashes, pa.scalar(0, pa.uint64()))
        return pc.shift_right(hashes, pa.scalar(HASH_BITS - (self.buckets.bit_length() - 1), pa.uint64()))

    def add(self, rows: pa.Table, bucket: pa.Array) -> None:
        """Keep `rows` ([n], of the schema), each under its `bucket` ([n] integers)."""
        self._held.append(rows.append_column(BUCKET, bucket))
        self._rows += rows.num_rows
        if self._rows >= ROWS_IN_MEMORY:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        held = pa.concat_tables(self._held).sort_by(BUCKET)
        self._held, self._rows = [], 0
        first = 0
        for run in pc.value_counts(held[BUCKET]).to_pylist():
            self._writers[run["values"]].write_table(held.slice(first, run["counts"]).drop_columns(BUCKET))
            first += run["counts"]

    def close(self) -> None:
        """No more rows: now they can be read."""
        self._flush()
        for writer in self._writers:
            writer.close()

    def read(self, bucket: int) -> pa.Table:
        """Every row of a bucket, in no order."""
        with pa.OSFile(self._path(bucket)) as file:
            return pa.ipc.open_stream(file).read_all()
