"""The shard of one batch: one parquet file with one row per input row."""

import io
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.run.batch import Batch
from common.run.schema import SHARD
from workers.batch.outcome import Outcome

METADATA_KEY = "fleet"


def shard_bytes(
    rows: pa.Table, outcomes: Sequence[Outcome], batch: Batch, provenance: dict[str, Any]
) -> bytes:
    """The parquet file: `common.run.schema.SHARD`, zstd, page checksums, read back before it is returned.

    Args:
        rows: as `read_rows` gives them.
        outcomes: one per row, in order.
        batch: which rows these are.
        provenance: run, settings, lists and version; kept in the file's metadata as JSON.
    """
    columns = {**_input(rows), **_results(outcomes), **_position(batch)}
    _require_all(columns)
    table = pa.table(columns).select(SHARD.names)
    metadata = {METADATA_KEY: json.dumps({**provenance, "batch": batch.id})}
    table = table.cast(SHARD).replace_schema_metadata(metadata)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    body = sink.getvalue()
    if not is_identical(pq.read_table(io.BytesIO(body), page_checksum_verification=True), table):
        raise RuntimeError(f"{batch.id}: the shard did not read back as it was written")
    return body


def is_identical(left: pa.Table, right: pa.Table) -> bool:
    """Whether two tables hold the same columns and values, bit for bit: NaN equals NaN."""
    if not left.schema.equals(right.schema):
        return False
    columns = zip(left.columns, right.columns, strict=True)
    return all(
        mine.equals(other) for pair in columns for mine, other in zip(*map(_bit_patterns, pair), strict=True)
    )


def _bit_patterns(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    """Arrays that are equal where the column's bits are: arrow itself holds NaN unequal to NaN."""
    if pa.types.is_list(column.type):
        yield pc.list_value_length(column)
        yield from _bit_patterns(pc.list_flatten(column))
    elif pa.types.is_float64(column.type):
        yield pa.chunked_array([chunk.view(pa.int64()) for chunk in column.chunks], pa.int64())
    else:
        yield column


def _require_all(columns: Collection[str]) -> None:
    """A column of the schema without values is a forgotten change of code."""
    missing = [name for name in SHARD.names if name not in columns]
    if missing:
        raise RuntimeError(
            f"column {missing[0]} of common/run/schema.py is not filled in workers/batch/shard.py"
        )


def _input(rows: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {name: rows[name] for name in rows.column_names}


def _results(outcomes: Sequence[Outcome]) -> dict[str, pa.Array]:
    captions = [outcome.captions for outcome in outcomes]
    results = {
        "top_caption": [found and found.top for found in captions],
        "all_captions": [found and found.candidates for found in captions],
        "all_similarities": [found and found.similarities for found in captions],
        "shortlist": [found and found.shortlist for found in captions],
        "shortlist_similarities": [found and found.shortlist_similarities for found in captions],
        "repaired_caption": [found and found.repaired for found in captions],
        "status": [outcome.status.value for outcome in outcomes],
        "error": [outcome.error for outcome in outcomes],
        "sha256": [outcome.sha256 for outcome in outcomes],
    }
    return {name: pa.array(values, SHARD.field(name).type) for name, values in results.items()}


def _position(batch: Batch) -> dict[str, pa.Array]:
    rows = range(batch.first_row, batch.first_row + batch.rows)
    return {"part": pa.array([batch.part] * batch.rows), "row": pa.array(rows, pa.int64())}
