"""Enqueueing: plan, compare with the run, write the manifest, queue the missing batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from common.console.progress import progress
from common.errors import FleetError
from common.queue.app import make_app, send
from common.queue.broker import broker_errors, connect
from common.queue.live import LiveRun, run_prefix
from common.queue.message import Message
from common.queue.waiting import waiting_batches
from common.run.batch_state import dead_batches, done_batches
from common.run.manifest import Batch, Part, Run
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import is_proven, prove, remember_proof
from producer.addresses import expand
from producer.options import EnqueueOptions
from producer.run import agree_on_parts, agree_on_run, write_parts, write_run
from producer.sources import plan_sources
from producer.stage import stage

CHUNK = 500
DEFAULTS = EnqueueOptions()
LOCK_SECONDS = 120
"""Longer than any chunk or listing; a killed producer blocks the others for this long."""


@dataclass(frozen=True, slots=True)
class Enqueued:
    """Result of `enqueue`, in batches."""

    run: str
    parts: int
    sent: int
    done: int
    queued: int
    dead: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan of a run and its parts; of the run nothing is written yet but parts made from lists."""

    store: Store
    run: Run
    exists: bool
    proven: bool
    parts: list[Part]
    batches: list[Batch]
    new: list[Part]
    options: EnqueueOptions


def enqueue(
    arguments: Sequence[str], output: str, settings: Settings, options: EnqueueOptions = DEFAULTS
) -> Enqueued:
    """Add parts to a run and queue their batches; idempotent.

    Args:
        arguments: paths, globs and addresses of parts.
        output: URI of the run.
        settings: of models, sampling and places.
        options: how the parts are planned.

    Raises:
        FleetError: a part, the output, the broker or the settings do not allow it; nothing was written.
    """
    with broker_errors(settings.broker_url):
        connect(settings.broker_url).ping()
    return queue_plan(plan_run(arguments, output, settings, options), settings)


def plan_run(
    arguments: Sequence[str], output: str, settings: Settings, options: EnqueueOptions = DEFAULTS
) -> Plan:
    """Plan the run and check everything except the broker. Writes only the parts that are made from lists.

    Raises:
        FleetError: a part, the output or the settings do not allow it; nothing was written.
    """
    store = open_store(absolute_uri(output), settings.s3)
    _require_short_address(store.uri)
    proven = is_proven(store)
    if not proven:
        prove(store)
    run, exists = agree_on_run(store, settings, options.batch_rows)
    addresses = expand(arguments, settings.s3, store.uri)
    parts = plan_sources(addresses, store, run.batch_rows, settings.s3, options)
    batches = [batch for part in parts for batch in part.batches(run.batch_rows)]
    return Plan(store, run, exists, proven, parts, batches, agree_on_parts(store, parts), options)


def queue_plan(plan: Plan, settings: Settings) -> Enqueued:
    """Write the manifest and queue the missing batches.

    Raises:
        BrokerError: the broker cannot be reached; nothing was written.
        StoreError: the manifest cannot be written.
        FleetError: another producer planned one of the parts otherwise in the meantime.
    """
    with broker_errors(settings.broker_url):
        connect(settings.broker_url).ping()
        if not plan.proven:
            remember_proof(plan.store)
        if not plan.exists:
            write_run(plan.store, plan.run)
        staged = plan.options.stage
        new = stage(plan.store, plan.new, plan.run.batch_rows, settings.s3) if staged else plan.new
        write_parts(plan.store, new)
        return queue_missing(plan.store, settings, plan.batches, parts=len(plan.parts))


def queue_missing(store: Store, settings: Settings, batches: Sequence[Batch], *, parts: int) -> Enqueued:
    """Queue the `batches` that are neither done, dead nor waiting; one producer at a time."""
    client = connect(settings.broker_url)
    live = LiveRun(client, store.uri)
    with client.lock(f"{run_prefix(store.uri)}:producer", timeout=LOCK_SECONDS) as lock:
        done, dead = done_batches(store), dead_batches(store)
        waiting = waiting_batches(client, store.uri)
        settled = done | dead | waiting
        missing = [batch for batch in batches if batch.id not in settled]
        _send(store.uri, settings, live, missing, lock.reacquire)
    ids = {batch.id for batch in batches}
    return Enqueued(
        run=store.uri,
        parts=parts,
        sent=len(missing),
        done=len(ids & done),
        queued=len(ids & waiting - done),
        dead=len(ids & dead - done),
    )


def _send(
    run: str, settings: Settings, live: LiveRun, batches: Sequence[Batch], keep_lock: Callable[[], object]
) -> None:
    """Send first, mark after: a producer killed in between repeats a message and loses none."""
    app = make_app(settings)
    with progress("queueing batches", len(batches)) as advance:
        for chunk in _chunks(batches):
            send(app, (Message(run=run, part=batch.part, first_row=batch.first_row) for batch in chunk))
            live.mark_queued(batch.id for batch in chunk)
            keep_lock()
            advance(len(chunk))


def _chunks(batches: Sequence[Batch]) -> Iterator[Sequence[Batch]]:
    for start in range(0, len(batches), CHUNK):
        yield batches[start : start + CHUNK]


def _require_short_address(uri: str) -> None:
    try:
        uri.encode()
        Message(run=uri, part="part", first_row=0)
    except UnicodeEncodeError as error:
        raise FleetError(f"{uri!r}: the name is not UTF-8; choose another --output") from error
    except ValidationError as error:
        raise FleetError(f"{uri}: too long for a message; choose a shorter --output") from error
