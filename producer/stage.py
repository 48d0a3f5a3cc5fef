"""Staging: parts that are costly to read batch by batch are copied into the run, one row group a batch."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from common.console.progress import Advance, progress
from common.run.cast import as_type
from common.run.layout import staged_key
from common.run.parquet import PartReader, open_parquet
from common.run.planned_part import Part
from common.run.schema import PUBLISHED
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch
from producer.copies import MARK, require_copy, write_copy

COSTLY = 50
"""A part is costly to read when all its batches together would move more than so many times its size."""

STAGERS = 4
READERS = 16


def stage(store: Store, parts: Sequence[Part], batch_rows: int, s3: S3Settings) -> list[Part]:
    """Copy the costly ones of `parts` into the run; a copy of an earlier try is kept.

    Args:
        store: of the run.
        parts: that the run does not hold yet.
        batch_rows: of the run.
        s3: where S3 is.

    Returns:
        All parts, in order; those that were copied say so.

    Raises:
        PartError: a part changed or is damaged.
        StoreError: a place cannot be reached or written.
        FleetError: the run holds a copy of another version of a part.
    """
    with ThreadPoolExecutor(READERS) as pool:
        costly = dict(zip(parts, pool.map(lambda part: is_costly(part, batch_rows, s3), parts), strict=True))
    if not any(costly.values()):
        return list(parts)
    rows = sum(part.rows for part in parts if costly[part])
    with (
        scratch(store) as folder,
        progress("staging rows", rows) as advance,
        ThreadPoolExecutor(STAGERS) as pool,
    ):
        stager = _Stager(store, folder, batch_rows, s3, advance)
        return list(pool.map(lambda part: stager.stage(part) if costly[part] else part, parts))


def is_costly(part: Part, batch_rows: int, s3: S3Settings) -> bool:
    """Whether a list lies on the Hub, or its batches would move more than `COSTLY` times its size."""
    if part.kind != "links":
        return False
    if part.address.startswith("hf://"):
        return True
    with open_parquet(part, s3) as reader:
        groups = map(reader.metadata.row_group, range(reader.metadata.num_row_groups))
        most = max(_reads(group.num_rows, batch_rows) for group in groups)
        return most > COSTLY and bytes_moved(reader, batch_rows) > COSTLY * part.size


def bytes_moved(reader: PartReader, batch_rows: int) -> float:
    """The bytes that all batches read together: each its row group from the start, up to its own last row."""
    columns, total = reader.leaves(), 0.0
    for index in range(reader.metadata.num_row_groups):
        reader.require_sound_chunks(index)
        group = reader.metadata.row_group(index)
        size = sum(group.column(leaf).total_compressed_size for leaf in columns)
        total += size * _reads(group.num_rows, batch_rows)
    return total


def _reads(rows: int, batch_rows: int) -> float:
    """How often the batches of a row group read it, all together."""
    return (-(-rows // batch_rows) + 1) / 2


class _Stager:
    """Copies parts, several at once."""

    def __init__(self, store: Store, folder: Path, batch_rows: int, s3: S3Settings, advance: Advance) -> None:
        self._store, self._folder, self._batch_rows, self._s3 = store, folder, batch_rows, s3
        self._advance = advance

    def stage(self, part: Part) -> Part:
        key = staged_key(part.id)
        if self._store.exists(key):
            self._advance(part.rows)
        else:
            file = self._folder / f"{part.id}.parquet"
            self._copy(part, file)
            self._store.create_file(key, file)
            file.unlink()
        found = require_copy(f"{self._store.uri}/{key}", part.address, _mark(part), self._s3)
        return part.model_copy(update={"staged": found})

    def _copy(self, part: Part, target: Path) -> None:
        with open_parquet(part, self._s3) as reader:
            schema = _copy_schema(reader, part)
            pieces = (_cast(piece, schema) for piece in reader.pieces(0, part.rows))
            write_copy(target, pieces, schema, self._batch_rows, self._advance)


def _copy_schema(reader: PartReader, part: Part) -> pa.Schema:
    """The columns in use, in the part's own order and spelling, of the types that workers make of them."""
    types = {column: PUBLISHED.field(name).type for name, column in reader.columns.items()}
    ordered = [(name, types[name]) for name in reader.schema.names if name in types]
    return pa.schema(ordered, metadata={MARK: _mark(part)})


def _cast(piece: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    arrays = [as_type(piece[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _mark(part: Part) -> bytes:
    """The version of the part that a copy was made from."""
    return part.model_dump_json(include={"address", "rows", "size", "etag"}).encode()
