"""Reading shards: some columns, some rows at a time, and never one that is not what the run planned."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.run.manifest import Batch, Run
from common.run.schema import SHARD, Status
from common.store import Store
from dataset.errors import BadRunError
from dataset.provenance import Provenance, difference, read_provenance

ROWS_AT_ONCE = 16_384
REPAIR = "move it away and run `producer requeue --missing`"


@contextmanager
def open_shard(store: Store, run: Run, batch: Batch) -> Iterator[pq.ParquetFile]:
    """The shard of a batch, for reading only: whatever fails in the block is the shard's fault.

    Raises:
        BadRunError: it has gone, it cannot be read, or it is not what the run planned.
    """
    where = f"{store.uri}/{batch.shard_key}"
    file = store.open(batch.shard_key)
    if file is None:
        raise BadRunError(f"{where}: gone since the run was listed; start again")
    try:
        with file:
            shard = pq.ParquetFile(file, pre_buffer=False)
            fault = _fault(shard, run, batch)
            if fault:
                raise BadRunError(f"{where}: {fault}; {REPAIR}")
            yield shard
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadRunError(f"{where}: not a readable shard ({error}); {REPAIR}") from error


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
        for rows in shard.iter_batches(ROWS_AT_ONCE, columns=list(columns)):
            _check(rows)
            yield rows


def _check(rows: pa.RecordBatch) -> None:
    rows.validate(full=True)
    if "status" in rows.schema.names:
        known = pc.is_in(rows["status"], value_set=pa.array([str(status) for status in Status]))
        if not pc.all(known).as_py():
            raise ValueError("a row without a known status")
