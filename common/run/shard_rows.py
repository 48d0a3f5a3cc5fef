"""The rows of a shard, validated: anyone with write access to the bucket can write a shard."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.run.status import Status

DAMAGED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, RecursionError, OverflowError)
"""Errors of parsing untrusted bytes as one of our files; failures of the store are not among them."""

STATUSES = pa.array([str(status) for status in Status])


def open_shard_file(file: BinaryIO) -> pq.ParquetFile:
    """The file as parquet; page checksums are verified where there are any.

    Raises:
        DAMAGED: it is not a sound parquet file.
    """
    return pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True)


def read_rows(shard: pq.ParquetFile, columns: Sequence[str], at_once: int) -> Iterator[pa.RecordBatch]:
    """Some columns, up to `at_once` rows at a time; strings are UTF-8, statuses are known.

    Raises:
        DAMAGED: bytes are damaged, or a row has no known status.
    """
    for rows in shard.iter_batches(at_once, columns=list(columns)):
        rows.validate(full=True)
        if "status" in rows.schema.names:
            _require_statuses(rows["status"])
        yield rows


def _require_statuses(statuses: pa.Array) -> None:
    known = pc.is_in(statuses, value_set=STATUSES)
    if not pc.all(known, min_count=0).as_py():
        strange = pc.unique(statuses.filter(pc.invert(known))).slice(0, 5).to_pylist()
        raise ValueError(f"unknown statuses: {sorted(map(str, strange))}")
