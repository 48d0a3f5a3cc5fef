"""Requeueing: missing batches from manifest, output and queue; dead ones on an operator's word."""

from concurrent.futures import ThreadPoolExecutor

from common.console.progress import progress
from common.errors import FleetError
from common.queue.attempts import AttemptBook
from common.queue.broker import broker_errors, connect
from common.queue.live import LiveRun
from common.run.batch_state import dead_batches
from common.run.failure_record import Reason, failure_key, read_failure
from common.run.manifest import read_run, stream_parts
from common.run.numbering import Numbering, numbers
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import require_proof
from producer.enqueue import Enqueued, queue_missing
from producer.shard_watch import ShardWatch

THREADS = 32


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
    numbering = Numbering(stream_parts(store), run.batch_rows)
    with broker_errors(settings.broker_url):
        if dead:
            _revive(store, settings, numbering, reason)
        return queue_missing(store, settings, numbering, parts=numbering.part_count)


def _revive(store: Store, settings: Settings, numbering: Numbering, reason: Reason | None) -> None:
    """Let the dead be missing again, many at a time."""
    client = connect(settings.broker_url)
    book, live = AttemptBook(client, store.uri), LiveRun(client, store.uri)
    dead = numbering.bits(dead_batches(store)) & ~ShardWatch(store, numbering).look()

    def revive_one(number: int) -> None:
        batch = numbering.id(number)
        if reason is None or _is_dead_by(store, batch, reason):
            _forget(store, book, live, batch)

    with progress("reviving batches", dead.bit_count()) as advance, ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(revive_one, numbers(dead)):
            advance(1)


def _is_dead_by(store: Store, batch: str, reason: Reason) -> bool:
    try:
        failure = read_failure(store, batch)
    except (ValueError, RecursionError):
        return False
    return failure is not None and failure.reason == reason


def _forget(store: Store, book: AttemptBook, live: LiveRun, batch: str) -> None:
    """Attempts first, then the failure record: in this order a killed producer loses nothing."""
    book.reset(batch)
    live.drop(batch)
    store.delete(failure_key(batch))
