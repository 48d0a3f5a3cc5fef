"""The rows of one batch, streamed out of their part under the published names."""

from collections.abc import Mapping

import pyarrow as pa

from common.run.batch import Batch
from common.run.cast import as_type
from common.run.parquet import open_parquet
from common.run.part import PartError
from common.run.pieces import cut, total_text
from common.run.planned_part import Part
from common.run.schema import FROM_INPUT
from common.settings import S3Settings

BATCH_BYTES = 1 << 30


def read_rows(part: Part, batch: Batch, s3: S3Settings) -> pa.Table:
    """URL, TEXT and the passed-through columns of a batch's rows.

    Returns:
        One row per input row, in order; columns that the part lacks are null.

    Raises:
        PartError: the part changed, is damaged, or holds more text than a batch may.
        StoreError: the place where it lies cannot be reached.
    """
    pieces, size = [], 0
    with open_parquet(part, s3) as reader:
        for rows in reader.batches(batch.first_row, batch.rows):
            size += total_text(rows)
            if size > BATCH_BYTES:  # asked before equal texts, which are held once, are written out
                raise PartError(_too_large(part, batch))
            pieces += [_publish(piece, reader.columns) for piece in cut(rows)]
    table = pa.Table.from_batches(pieces, FROM_INPUT)
    if table.num_rows != batch.rows:
        raise PartError(f"{part.address}: rows end before row {batch.first_row + batch.rows}")
    return table


def _publish(piece: pa.RecordBatch, columns: Mapping[str, str]) -> pa.RecordBatch:
    """The piece under the published names and types."""
    arrays = [
        as_type(piece[columns[field.name]], field.type)
        if field.name in columns
        else pa.nulls(piece.num_rows, field.type)
        for field in FROM_INPUT
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=FROM_INPUT)


def _too_large(part: Part, batch: Batch) -> str:
    return (
        f"{part.address}: the {batch.rows} rows from {batch.first_row} on hold more than"
        f" {BATCH_BYTES >> 30} GB of text; start a run with a smaller --batch-rows"
    )
