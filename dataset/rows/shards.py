"""Reading shards: some columns, some rows at a time; a shard that the run did not plan is refused."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from common.console.words import quote
from common.run.batch import Batch
from common.run.chunk_metadata import require_sound_chunks
from common.run.manifest import Run
from common.run.provenance import Provenance, difference, read_provenance
from common.run.schema import SHARD
from common.run.shard_rows import DAMAGED, open_shard_file, read_rows
from common.store import Store
from dataset.errors import BadRunError

ROWS_AT_ONCE = 16_384
REPAIR = "move it away and run `producer requeue --missing`"


@contextmanager
def open_shard(store: Store, run: Run, batch: Batch) -> Iterator[pq.ParquetFile]:
    """The shard of a batch, for reading only: failures in the block are the shard's.

    Raises:
        BadRunError: it has gone, it cannot be read, or it is not what the run planned.
    """
    where = f"{store.uri}/{batch.shard_key}"
    file = store.open(batch.shard_key)
    if file is None:
        raise BadRunError(f"{where}: gone since the run was listed; start again")
    try:
        with file:
            shard = open_shard_file(file)
            fault = _fault(shard, run, batch)
            if fault:
                raise BadRunError(f"{where}: {fault}; {REPAIR}")
            require_sound_chunks(file, shard.metadata, range(shard.num_row_groups), SHARD.names)
            yield shard
    except DAMAGED as error:
        raise BadRunError(f"{where}: not a readable shard ({quote(error)}); {REPAIR}") from error


def _fault(shard: pq.ParquetFile, run: Run, batch: Batch) -> str | None:
    if not shard.schema_arrow.equals(SHARD):
        return "its columns are not a shard's"
    if shard.metadata.num_rows != batch.rows:
        return f"{shard.metadata.num_rows} rows instead of {batch.rows}"
    made = difference(shard_provenance(shard), run)
    return f"mixed runs: it was made with {made}" if made else None


def shard_provenance(shard: pq.ParquetFile) -> Provenance:
    return read_provenance(shard.metadata.metadata)


def shard_rows(
    store: Store,
    run: Run,
    batch: Batch,
    columns: Sequence[str],
    *,
    seen: Callable[[pq.ParquetFile], None] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The shard's rows in order, a bounded number at a time; strings are UTF-8, statuses are known.

    Args:
        store: of the run.
        run: the manifest that the shard must agree with.
        batch: whose shard.
        columns: those to read.
        seen: is shown the open file first.
    """
    with open_shard(store, run, batch) as shard:
        if seen is not None:
            seen(shard)
        yield from read_rows(shard, columns, ROWS_AT_ONCE)
