"""Staging: parts that are dear to read batch by batch are copied into the run, one row group a batch."""

import errno
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.progress import Advance, progress
from common.errors import FleetError, StoreError
from common.run.columns import input_columns
from common.run.manifest import Part, staged_key
from common.run.parquet import open_parquet
from common.run.part import open_part
from common.settings import S3Settings
from common.store import Store
from common.store.scratch import scratch

DEAR = 50
"""A part is dear to read when all its batches together would move more than so many times its size."""

STAGERS = 4
READERS = 16
PIECE = 1 << 16
"""Most rows that are in memory before they are written, unless a batch is larger."""
MARK = b"caption_fleet_copy_of"


def stage(store: Store, parts: Sequence[Part], batch_rows: int, s3: S3Settings) -> list[Part]:
    """Copy the dear ones of `parts` into the run; a copy of an earlier try is kept.

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
        dear = dict(zip(parts, pool.map(lambda part: is_dear(part, batch_rows, s3), parts), strict=True))
    if not any(dear.values()):
        return list(parts)
    rows = sum(part.rows for part in parts if dear[part])
    with (
        scratch(store) as folder,
        progress("staging rows", rows) as advance,
        ThreadPoolExecutor(STAGERS) as pool,
    ):
        stager = _Stager(store, folder, batch_rows, s3, advance)
        return list(pool.map(lambda part: stager.stage(part) if dear[part] else part, parts))


def is_dear(part: Part, batch_rows: int, s3: S3Settings) -> bool:
    """Whether the part lies on the Hub, or its batches would move more than `DEAR` times its size."""
    if part.address.startswith("hf://"):
        return True
    with open_parquet(part, s3) as parquet:
        return bytes_moved(parquet, batch_rows) > DEAR * part.size


def bytes_moved(parquet: pq.ParquetFile, batch_rows: int) -> float:
    """What all batches of a part read together: each its row group from the start, up to its own last row."""
    metadata, wanted = parquet.metadata, set(input_columns(parquet.schema_arrow).values())
    total = 0.0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = [group.column(index) for index in range(group.num_columns)]
        size = sum(c.total_compressed_size for c in columns if c.path_in_schema.split(".")[0] in wanted)
        total += size * (-(-group.num_rows // batch_rows) + 1) / 2
    return total


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
        return self._checked(part, f"{self._store.uri}/{key}")

    def _copy(self, part: Part, target: Path) -> None:
        with open_parquet(part, self._s3) as parquet:
            wanted = list(input_columns(parquet.schema_arrow).values())
            fields = [field for field in parquet.schema_arrow if field.name in wanted]
            schema = pa.schema(fields, metadata={MARK: _mark(part)})
            pieces = parquet.iter_batches(min(self._batch_rows, PIECE), columns=wanted)
            with _room(target), pq.ParquetWriter(target, schema, compression="zstd") as writer:
                for group in row_groups(pieces, part.rows, self._batch_rows):
                    ordered = group.select(schema.names).replace_schema_metadata(schema.metadata)
                    writer.write_table(ordered, self._batch_rows)
                    self._advance(group.num_rows)

    def _checked(self, part: Part, address: str) -> Part:
        with open_part(address, self._s3) as (file, found):
            mark = (pq.ParquetFile(file).schema_arrow.metadata or {}).get(MARK)
        if mark != _mark(part):
            raise FleetError(f"{address}: a copy of another version of {part.address}; use another --output")
        return part.model_copy(update={"staged": found})


def row_groups(pieces: Iterable[pa.RecordBatch], limit: int, size: int) -> Iterator[pa.Table]:
    """The first `limit` rows of `pieces` as tables of `size` rows; the last may be shorter."""
    held: list[pa.RecordBatch] = []
    missing = min(size, limit)
    for piece in pieces:
        while piece.num_rows and limit:
            held.append(piece.slice(0, missing))
            piece = piece.slice(missing)  # noqa: PLW2901 - what is left of it
            missing -= held[-1].num_rows
            limit -= held[-1].num_rows
            if not missing:
                yield pa.Table.from_batches(held)
                held, missing = [], min(size, limit)


@contextmanager
def _room(target: Path) -> Iterator[None]:
    """A full disk is no damage of the part that is read meanwhile."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreError(f"{target.parent}: no room left; make some, then enqueue again") from error
        raise


def _mark(part: Part) -> bytes:
    """What a copy is a copy of."""
    return part.model_dump_json(include={"address", "rows", "size", "etag"}).encode()
