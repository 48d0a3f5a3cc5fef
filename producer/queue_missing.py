"""Queueing: the batches of a run that are neither done, dead nor waiting."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import redis

from common.console.progress import progress
from common.queue.app import make_app, send
from common.queue.broker import connect
from common.queue.marks import Marks
from common.queue.message import Message
from common.queue.queued_batches import QueuedBatches
from common.run.batch import Batch
from common.run.batch_state import dead_batches
from common.run.numbering import Numbering, numbers
from common.settings import Settings
from common.store import Store
from producer.lock import producer_lock
from producer.shard_watch import done_batches

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Enqueued:
    """Result of queueing, in batches."""

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
class _Found:
    """The sets of batches that need not be queued."""

    waiting: int
    done: int
    dead: int

    @classmethod
    def look(cls, store: Store, client: redis.Redis, numbering: Numbering) -> "_Found":
        """The queue before the output: a batch that is committed in between is done."""
        marks = Marks(client, store.uri, numbering)
        marks.refresh()
        waiting = marks.read_waiting()
        return cls(waiting, done_batches(store, numbering), numbering.bits(dead_batches(store)))


def queue_missing(store: Store, settings: Settings, numbering: Numbering, *, parts: int) -> Enqueued:
    """Queue the numbered batches that are neither done, dead nor waiting; one producer at a time."""
    client = connect(settings.broker_url)
    with producer_lock(client, store.uri) as require_lock:
        found = _Found.look(store, client, numbering)
        missing = numbering.all & ~(found.done | found.dead | found.waiting)
        _send(
            store.uri,
            settings,
            QueuedBatches(client, store.uri),
            map(numbering.batch, numbers(missing)),
            total=missing.bit_count(),
            require_lock=require_lock,
        )
    return Enqueued(
        run=store.uri,
        parts=parts,
        sent=missing.bit_count(),
        done=found.done.bit_count(),
        queued=(found.waiting & ~found.done).bit_count(),
        dead=(found.dead & ~found.done).bit_count(),
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
