"""Enqueueing: plan, compare with the run, write the manifest, queue the missing batches."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import ValidationError

from common.console.progress import progress
from common.errors import FleetError
from common.queue.app import make_app, send
from common.queue.broker import broker_errors, connect
from common.queue.marks import Marks
from common.queue.message import Message
from common.queue.queued_batches import QueuedBatches
from common.queue.trial import try_broker
from common.run.batch import Batch
from common.run.batch_state import dead_batches
from common.run.fingerprint import Fingerprint
from common.run.manifest import Run, stream_parts
from common.run.numbering import Numbering, numbers
from common.run.planned_part import Part
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import is_proven, prove, remember_proof
from producer.addresses import expand
from producer.lock import producer_lock
from producer.memory import Memory
from producer.options import EnqueueOptions
from producer.run import agree_on_parts, agree_on_run, write_parts, write_run
from producer.shard_watch import ShardWatch
from producer.sources import plan_sources
from producer.stage import stage

CHUNK = 500
DEFAULTS = EnqueueOptions()


@dataclass(frozen=True, slots=True)
class Enqueued:
    """Result of `enqueue`, in batches."""

    run: str
    parts: int
    sent: int
    done: int
    queued: int
    dead: int

    def sentence(self) -> str:
        """In one line."""
        before = f"{self.done} done, {self.queued} queued and {self.dead} dead before"
        return f"{self.run}: {self.sent} batches queued from {self.parts} parts ({before})"


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked plan of a run and its parts; of the run nothing is written yet but parts made from lists."""

    store: Store
    run: Run
    exists: bool
    proven: bool
    parts: list[Part]
    numbering: Numbering
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
        try_broker(connect(settings.broker_url), settings)
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
    run, exists = agree_on_run(store, settings, options)
    listed: dict[str, Fingerprint] = {}
    named = expand(arguments, settings.s3, store.uri, listed)
    memory = Memory({part.id: part for part in stream_parts(store)}, listed, options.as_links)
    parts = plan_sources(named, store, run.batch_rows, settings.s3, options, memory=memory)
    numbering = Numbering(parts, run.batch_rows)
    new = agree_on_parts(memory.planned, parts)
    return Plan(store, run, exists, proven, parts, numbering, new, options)


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
        return queue_missing(plan.store, settings, plan.numbering, parts=len(plan.parts))


def queue_missing(store: Store, settings: Settings, numbering: Numbering, *, parts: int) -> Enqueued:
    """Queue the numbered batches that are neither done, dead nor waiting; one producer at a time."""
    client = connect(settings.broker_url)
    with producer_lock(client, store.uri) as require_lock:
        marks = Marks(client, store.uri, numbering)
        marks.refresh()
        waiting = marks.read_waiting()  # before the output: what is committed in between is done
        done = ShardWatch(store, numbering).look()
        dead = numbering.bits(dead_batches(store))
        missing = numbering.all & ~(done | dead | waiting)
        batches = map(numbering.batch, numbers(missing))
        _send(
            store.uri,
            settings,
            QueuedBatches(client, store.uri),
            batches,
            total=missing.bit_count(),
            require_lock=require_lock,
        )
    return Enqueued(
        run=store.uri,
        parts=parts,
        sent=missing.bit_count(),
        done=done.bit_count(),
        queued=(waiting & ~done).bit_count(),
        dead=(dead & ~done).bit_count(),
    )


def _send(
    run: str,
    settings: Settings,
    queued: QueuedBatches,
    batches: Iterable[Batch],
    *,
    total: int,
    require_lock: Callable[[], None],
) -> None:
    """Send first, mark after: a producer killed in between repeats a message and loses none."""
    app = make_app(settings)
    with progress("queueing batches", total) as advance:
        for chunk in _chunks(batches):
            require_lock()
            send(app, (Message(run=run, part=batch.part, first_row=batch.first_row) for batch in chunk))
            queued.mark(batch.id for batch in chunk)
            advance(len(chunk))


def _chunks(batches: Iterable[Batch]) -> Iterator[Sequence[Batch]]:
    remaining = iter(batches)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _require_short_address(uri: str) -> None:
    try:
        uri.encode()
        Message(run=uri, part="part", first_row=0)
    except UnicodeEncodeError as error:
        raise FleetError(f"{uri!r}: the name is not UTF-8; choose another --output") from error
    except ValidationError as error:
        raise FleetError(f"{uri}: too long for a message; choose a shorter --output") from error
