"""A part as the parquet file that it is, read in a stream."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from common.run.manifest import Part
from common.run.part import PartError, open_part
from common.settings import S3Settings

READ_AHEAD = 1 << 20
"""Bytes buffered a column: enough to stream, little beside a row group of a million rows."""


@contextmanager
def open_parquet(part: Part, s3: S3Settings) -> Iterator[pq.ParquetFile]:
    """Open the version of a part that was planned.

    Raises:
        PartError: the part changed, or is damaged; also for what is read inside the block.
        StoreError: the place where it lies cannot be reached.
    """
    with open_part(part.address, s3, part.fingerprint) as (file, _):
        try:
            yield pq.ParquetFile(file, pre_buffer=False, buffer_size=READ_AHEAD)
        except pa.ArrowException as error:
            raise PartError(f"{part.address}: damaged ({error}); repair it and enqueue a new run") from error
