"""Failed rows of a run as the parts of a new run; no shard is ever rewritten."""

import io
from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.console.progress import progress
from common.errors import FleetError
from common.queue.broker import broker_errors, connect
from common.run.manifest import Part, Run, read_parts, read_run
from common.run.schema import PASSED_THROUGH, Status
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import is_proven, prove
from producer.enqueue import Enqueued, enqueue

INPUT = "input"
COLUMNS = ["URL", "TEXT", *PASSED_THROUGH, "part", "row"]


def retry(source: str, output: str, statuses: str, settings: Settings) -> Enqueued:
    """Write the rows of the named statuses as part files below `output`, and enqueue them there.

    Args:
        source: URI of the run that failed on them.
        output: URI of the new run.
        statuses: comma-separated, of `common.run.schema.Status`.
        settings: of the new run.

    Raises:
        FleetError: no such run or status, nothing to retry, or the new run does not allow it.
    """
    wanted = _statuses(statuses)
    old, new = (open_store(absolute_uri(uri), settings.s3) for uri in (source, output))
    run = read_run(old)
    if run is None:
        raise FleetError(f"{old.uri}: there is no run here; correct --run")
    if old.uri == new.uri:
        raise FleetError(f"{new.uri}: a run cannot be retried into itself; use another --output")
    with broker_errors(settings.broker_url):
        connect(settings.broker_url).ping()
    if not is_proven(new):
        prove(new)
    addresses = list(_write_parts(old, run, new, wanted))
    if not addresses:
        raise FleetError(f"{old.uri}: no row has the status {' or '.join(wanted)}")
    return enqueue(addresses, new.uri, settings)


def _statuses(listed: str) -> list[str]:
    names = [name.strip() for name in listed.split(",") if name.strip()]
    unknown = [name for name in names if name not in set(Status)]
    if unknown or not names:
        raise FleetError(f"--status {listed!r}: name some of {', '.join(Status)}")
    return names


def _write_parts(old: Store, run: Run, new: Store, statuses: Collection[str]) -> Iterator[str]:
    parts = read_parts(old)
    with progress("collecting rows", len(parts)) as advance:
        for part in parts:
            tables = list(_rows(old, run, part, statuses))
            if sum(table.num_rows for table in tables):
                yield _write_part(new, part, pa.concat_tables(tables))
            advance(1)


def _rows(store: Store, run: Run, part: Part, statuses: Collection[str]) -> Iterator[pa.Table]:
    for batch in part.batches(run.batch_rows):
        file = store.open(batch.shard_key)
        if file is None:
            continue
        with file:
            table = pq.read_table(file, columns=[*COLUMNS, "status"])
        kept = pc.is_in(table["status"], pa.array(statuses, pa.string()))
        yield table.filter(kept).select(COLUMNS).replace_schema_metadata()


def _write_part(store: Store, part: Part, rows: pa.Table) -> str:
    key = f"{INPUT}/{part.id}.parquet"
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    body = sink.getvalue()
    if not store.create(key, body) and store.read(key) != body:
        raise FleetError(f"{store.uri}/{key}: holds other rows of an earlier retry; use another --output")
    return f"{store.uri}/{key}"
