"""The rows of one batch, streamed out of their part under the published names."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from common.run.columns import input_columns
from common.run.manifest import Batch, Part
from common.run.parquet import open_parquet
from common.run.part import PartError
from common.run.schema import PASSED_THROUGH, PUBLISHED
from common.settings import S3Settings


def read_rows(part: Part, batch: Batch, s3: S3Settings) -> pa.Table:
    """URL, TEXT and the passed-through columns of a batch's rows.

    Returns:
        One row per input row, in order; columns that the part lacks are null.

    Raises:
        PartError: the part changed, or is damaged.
        StoreError: the place where it lies cannot be reached.
    """
    with open_parquet(part, s3) as parquet:
        names = input_columns(parquet.schema_arrow)
        table = _range(parquet, list(names.values()), batch.first_row, batch.rows)
    if table.num_rows != batch.rows:
        raise PartError(f"{part.address}: rows end before row {batch.first_row + batch.rows}")
    return pa.table(
        {
            name: as_type(table[names[name]], PUBLISHED.field(name).type)
            if name in names
            else pa.nulls(batch.rows, PUBLISHED.field(name).type)
            for name in ("URL", "TEXT", *PASSED_THROUGH)
        }
    )


def _range(parquet: pq.ParquetFile, columns: list[str], first: int, count: int) -> pa.Table:
    groups, before = _row_groups(parquet.metadata, first, count)
    slices = []
    for piece in parquet.iter_batches(row_groups=groups, columns=columns):
        start, end = max(first - before, 0), min(first + count - before, piece.num_rows)
        if start < end:
            slices.append(piece.slice(start, end - start))
        before += piece.num_rows
        if before >= first + count:
            break
    return pa.Table.from_batches(slices, schema=_selected(parquet.schema_arrow, columns, slices))


def _selected(schema: pa.Schema, columns: list[str], slices: list[pa.RecordBatch]) -> pa.Schema:
    return slices[0].schema if slices else pa.schema([schema.field(name) for name in columns])


def _row_groups(metadata: pq.FileMetaData, first: int, count: int) -> tuple[list[int], int]:
    """The row groups that hold rows `first` to `first + count`, and the position of their first row."""
    groups: list[int] = []
    start = position = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if position < first + count and position + rows > first:
            start = start if groups else position
            groups.append(group)
        position += rows
    return groups, start


def as_type(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Cast a column; where that fails, each value by itself, null where it cannot be cast."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kind == pa.string() and column.type in (
        pa.binary(),
        pa.large_binary(),
        pa.string(),
        pa.large_string(),
    ):
        return _as_string(column)
    try:
        return column.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.chunked_array([pa.array(list(_each(column, kind)), kind)])


def _as_string(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Byte for byte; what is not UTF-8 is null, because no reader could open the shard otherwise."""
    raw = column.cast(pa.binary())
    try:
        return raw.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array([_text(value.as_py()) for value in raw], pa.string())])


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _each(column: pa.ChunkedArray, kind: pa.DataType) -> Iterator[object]:
    for value in column:
        try:
            yield value.cast(kind).as_py()
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            yield None
