"""Writing one parquet file of a data set; its bytes follow from its rows and the recipe alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import Advance
from common.run.provenance import KEY
from common.run.schema import OURS, PUBLISHED
from dataset.figures.tally import Tally
from dataset.files.data_file import ORIGIN, TALLY
from dataset.files.merged import DataFile, Merged

ROW_GROUP_BYTES = 64 << 20
"""Uncompressed; about 60,000 rows, the size that the Hub's viewer reads in one go."""
ROW_GROUP_ROWS = 1 << 17
FEW_VALUES = ("WIDTH", "HEIGHT", "part", "status", "error")
"""Columns whose values repeat: only these are worth a dictionary."""
COMPRESSION_LEVEL = {"zstd": 3}


def data_schema(*, keep_columns: bool) -> pa.Schema:
    """The columns of a data set's files."""
    return pa.schema([*PUBLISHED, *OURS]) if keep_columns else PUBLISHED


def write_data_file(
    path: Path, file: DataFile, merged: Merged, rows: Iterator[pa.RecordBatch], advance: Advance
) -> None:
    """Write `rows`, of the data set's columns, to `path`.

    Args:
        path: a new file.
        file: which file of the version this is; its origin goes into the footer.
        merged: the version; models, sampling and compression are its recipe's.
        rows: in the order of the file.
        advance: is told how many rows were written.
    """
    schema = data_schema(keep_columns=merged.recipe.keep_columns)
    tally = Tally()
    with _writer(path, schema, merged) as writer:
        for group in _row_groups(rows, schema):
            tally.add(group)
            writer.write_table(group, row_group_size=group.num_rows)
            advance(group.num_rows)
        writer.add_key_value_metadata(own_metadata(file, tally))


def write_row_group(path: Path, merged: Merged, rows: pa.Table | None = None) -> None:
    """Write a file of one row group, or of none, as it would stand in a data set's file."""
    schema = data_schema(keep_columns=merged.recipe.keep_columns)
    with _writer(path, schema, merged) as writer:
        if rows is not None:
            writer.write_table(rows.cast(schema), row_group_size=rows.num_rows)


def own_metadata(file: DataFile, tally: Tally) -> dict[bytes, bytes]:
    """The key-value metadata by which a file is known for the data set's."""
    return {TALLY: tally.to_json(), ORIGIN: (file.origin or "").encode()}


def _writer(path: Path, schema: pa.Schema, merged: Merged) -> pq.ParquetWriter:
    compression = merged.recipe.compression
    return pq.ParquetWriter(
        path,
        schema.with_metadata({KEY: _provenance(merged)}),
        compression=compression,
        compression_level=COMPRESSION_LEVEL.get(compression),
        use_dictionary=[name for name in FEW_VALUES if name in schema.names],
        write_page_index=True,
        use_content_defined_chunking=True,  # the Hub then stores the common parts of two versions once
    )


def _provenance(merged: Merged) -> bytes:
    said = merged.model_dump(mode="json", include={"models", "dtypes", "sampling"})
    return json.dumps({**said, "version": merged.recipe.version}, sort_keys=True).encode()


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if size >= ROW_GROUP_BYTES or rows >= ROW_GROUP_ROWS:
            yield pa.Table.from_batches(held, schema)
            held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held, schema)
