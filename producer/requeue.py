"""Requeueing: missing batches from manifest, output and queue; dead ones on an operator's word."""

from collections.abc import Iterable

from common.errors import FleetError
from common.queue.attempts import AttemptBook
from common.queue.broker import broker_errors, connect
from common.queue.live import LiveRun
from common.run.batch_state import dead_batches, done_batches
from common.run.failure_record import Reason, failure_key, read_failure
from common.run.manifest import Batch, read_parts, read_run
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import require_proof
from producer.enqueue import Enqueued, queue_missing


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
    parts = read_parts(store)
    batches = [batch for part in parts for batch in part.batches(run.batch_rows)]
    with broker_errors(settings.broker_url):
        if dead:
            _revive(store, settings, batches, reason)
        return queue_missing(store, settings, batches, parts=len(parts))


def _revive(store: Store, settings: Settings, batches: Iterable[Batch], reason: Reason | None) -> None:
    """Reset attempts, then delete failure records: in this order a killed producer loses nothing."""
    client = connect(settings.broker_url)
    book, live = AttemptBook(client, store.uri), LiveRun(client, store.uri)
    ids = {batch.id for batch in batches}
    for batch in sorted((dead_batches(store) & ids) - done_batches(store)):
        failure = read_failure(store, batch)
        if reason is None or (failure is not None and failure.reason == reason):
            book.reset(batch)
            live.drop(batch)
            store.delete(failure_key(batch))
