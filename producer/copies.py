"""Parquet files that the producer writes into a run: copies of parts, and parts made from lists."""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import Advance
from common.errors import FleetError, StoreError
from common.run.fingerprint import Fingerprint
from common.run.part import open_part
from common.settings import S3Settings
from producer.row_groups import row_groups

MARK = b"caption_fleet_copy_of"
"""Key of the metadata that say which version of which file was copied."""


def write_copy(
    target: Path,
    pieces: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    batch_rows: int,
    advance: Advance = lambda _: None,
) -> int:
    """Write `pieces` as one parquet file, a row group a batch; returns the rows.

    Raises:
        StoreError: the disk is full.
    """
    rows = 0
    with _disk_errors(target), pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for group in row_groups(pieces, batch_rows):
            writer.write_table(group, batch_rows)
            advance(group.num_rows)
            rows += group.num_rows
    return rows


def require_copy(address: str, original: str, mark: bytes, s3: S3Settings) -> Fingerprint:
    """The fingerprint of the copy at `address`.

    Raises:
        FleetError: it was made from another version of the file `original`.
    """
    with open_part(address, s3) as (file, found):
        made_from = (pq.ParquetFile(file).schema_arrow.metadata or {}).get(MARK)
    if made_from != mark:
        raise FleetError(f"{address}: a copy of another version of {original}; use another --output")
    return found


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    """A full disk is no damage of the file that is read meanwhile."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreError(f"{target.parent}: no room left; make some, then enqueue again") from error
        raise
