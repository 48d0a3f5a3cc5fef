"""Failed rows of a run as the parts of a new run; no shard is ever rewritten."""

import io
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import structlog

from common.console.progress import progress
from common.console.words import quote
from common.errors import FleetError
from common.queue.broker import broker_errors, connect
from common.queue.trial import try_broker
from common.run.batch import Batch
from common.run.layout import INPUT
from common.run.manifest import Run, read_parts, read_run
from common.run.planned_part import Part
from common.run.schema import PASSED_THROUGH
from common.run.shard_rows import DAMAGED, open_shard_file
from common.run.status import Status
from common.settings import Settings
from common.store import OversizeError, Store, absolute_uri, open_store
from common.store.proof import is_proven, prove
from producer.enqueue import enqueue
from producer.queue_missing import Enqueued

READERS = 32
AHEAD = 8
"""Parts whose shards are being read before they are needed."""
log = structlog.get_logger(__name__)

T = TypeVar("T")
COLUMNS = ["URL", "TEXT", *PASSED_THROUGH, "part", "row"]


def retry(source: str, output: str, statuses: str, settings: Settings) -> Enqueued:
    """Write the rows of the named statuses as part files below `output`, and enqueue them there.

    Args:
        source: URI of the run that failed on them.
        output: URI of the new run.
        statuses: comma-separated, of `common.run.status.Status`.
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
        try_broker(connect(settings.broker_url), settings)
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
    with progress("collecting rows", len(parts)) as advance, ThreadPoolExecutor(READERS) as pool:
        begun = (
            (part, [pool.submit(_rows, old, batch, wanted) for batch in part.batches(run.batch_rows)])
            for part in parts
            if len(wanted := _on_the_web(part, statuses))
        )
        for part, futures in _ahead(begun):
            tables = [table for future in futures if (table := future.result()) is not None]
            if tables and (rows := _with_url(part, pa.concat_tables(tables))):
                yield _write_part(new, part, rows)
            advance(1)


def _on_the_web(part: Part, statuses: Collection[str]) -> pa.Array:
    """The statuses that a download may mend: of a part that holds its images only the want of one."""
    if part.kind == "links":
        return pa.array(statuses, pa.string())
    left = [status for status in statuses if status == Status.NO_IMAGE]
    if len(left) < len(statuses):
        log.warning("a part that holds its images: only no_image is tried again, on the web", part=part.id)
    return pa.array(left, pa.string())


def _with_url(part: Part, rows: pa.Table) -> pa.Table | None:
    """The rows that can be downloaded; None where there are none."""
    kept = rows.filter(pc.is_valid(rows["URL"]))
    if lacking := rows.num_rows - kept.num_rows:
        log.warning("rows without URL are not tried again", part=part.id, rows=lacking)
    return kept if kept.num_rows else None


def _ahead(items: Iterable[T]) -> Iterator[T]:
    """The same items, of which some more have been taken already."""
    taken: deque[T] = deque()
    for item in items:
        taken.append(item)
        if len(taken) > AHEAD:
            yield taken.popleft()
    yield from taken


def _rows(store: Store, batch: Batch, wanted: pa.Array) -> pa.Table | None:
    """The rows of these statuses; of a shard without any only the statuses are read."""
    file = store.open_ranges(batch.shard_key)
    if file is None:
        return None
    try:
        with file:
            shard = open_shard_file(file)
            kept = pc.is_in(shard.read(["status"])["status"], wanted)
            if not pc.any(kept).as_py():
                return None
            return shard.read(COLUMNS).filter(kept).select(COLUMNS).replace_schema_metadata()
    except DAMAGED as error:
        raise FleetError(
            f"{store.uri}/{batch.shard_key}: not a readable shard ({quote(error)}); run `producer verify`"
        ) from error


def _write_part(store: Store, part: Part, rows: pa.Table) -> str:
    key = f"{INPUT}/{part.id}.parquet"
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    body = sink.getvalue()
    with suppress(OversizeError):
        if store.create(key, body) or store.read(key, len(body)) == body:
            return f"{store.uri}/{key}"
    raise FleetError(f"{store.uri}/{key}: holds other rows of an earlier retry; use another --output")
