"""Requeueing: missing batches from manifest, output and queue; dead ones on an operator's word."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from common.console.progress import progress
from common.errors import FleetError
from common.queue.attempts import AttemptBook
from common.queue.broker import broker_errors, connect
from common.queue.queued_batches import QueuedBatches
from common.run.batch_state import dead_batches
from common.run.failure_record import Reason, failure_key, read_failure
from common.run.manifest import read_run, stream_parts
from common.run.numbering import Numbering, numbers
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import require_proof
from producer.queue_missing import Enqueued, queue_missing
from producer.shard_watch import done_batches

THREADS = 32
AT_ONCE = 1000
"""Dead batches whose traces are deleted together."""


def requeue(output: str, settings: Settings, *, dead: bool, reason: Reason | None = None) -> Enqueued:
    """Queue every batch that is neither done nor waiting, and with `dead` the dead ones too.

    Safe at any time and concurrently.

    Raises:
        FleetError: there is no run, or the broker cannot be reached.
    """
    store = open_store(absolute_uri(output), settings.s3)
    run = read_run(store)
    if run is None:
        raise FleetError(f"{store.uri}: there is no run here; enqueue one, or correct --output")
    require_proof(store)
    numbering = Numbering(stream_parts(store, bundle_loose=True), run.batch_rows)
    with broker_errors(settings.broker_url):
        if dead:
            _revive(store, settings, numbering, reason)
        return queue_missing(store, settings, numbering, parts=numbering.part_count)


def _revive(store: Store, settings: Settings, numbering: Numbering, reason: Reason | None) -> None:
    """Let the dead be missing again, many at a time."""
    client = connect(settings.broker_url)
    book, queued = AttemptBook(client, store.uri), QueuedBatches(client, store.uri)
    dead = numbering.bits(dead_batches(store)) & ~done_batches(store, numbering)
    with progress("reviving batches", dead.bit_count()) as advance:
        for batches in _chunks(map(numbering.id, numbers(dead))):
            chosen = batches if reason is None else _select_by_reason(store, batches, reason)
            if chosen:
                _forget(store, book, queued, chosen)
            advance(len(batches))


def _chunks(batches: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(batches, AT_ONCE)):
        yield some


def _select_by_reason(store: Store, batches: Sequence[str], reason: Reason) -> list[str]:
    with ThreadPoolExecutor(THREADS) as pool:
        reasons = pool.map(lambda batch: _reason(store, batch), batches)
        return [batch for batch, found in zip(batches, reasons, strict=True) if found is reason]


def _reason(store: Store, batch: str) -> Reason | None:
    try:
        failure = read_failure(store, batch)
    except (ValueError, RecursionError):
        return None
    return None if failure is None else failure.reason


def _forget(store: Store, book: AttemptBook, queued: QueuedBatches, batches: Sequence[str]) -> None:
    """Attempts first, then the failure records: in this order a killed producer loses nothing."""
    book.reset(*batches)
    queued.drop(*batches)
    store.delete_all([failure_key(batch) for batch in batches])
