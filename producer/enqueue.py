"""Enqueueing: plan, compare with the run, write the manifest, queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from common.errors import FleetError
from common.queue.broker import broker_errors, connect
from common.queue.message import Message
from common.queue.trial import try_broker
from common.run.fingerprint import Fingerprint
from common.run.manifest import Run, stream_parts
from common.run.numbering import Numbering
from common.run.planned_part import Part
from common.settings import Settings
from common.store import Store, absolute_uri, open_store
from common.store.proof import is_proven, prove, remember_proof
from producer.addresses import expand
from producer.memory import Memory
from producer.options import EnqueueOptions
from producer.queue_missing import Enqueued, queue_missing
from producer.run import agree_on_parts, agree_on_run, write_parts, write_run
from producer.sources import plan_sources
from producer.stage import stage

DEFAULTS = EnqueueOptions()


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


def _require_short_address(uri: str) -> None:
    try:
        uri.encode()
        Message(run=uri, part="part", first_row=0)
    except UnicodeEncodeError as error:
        raise FleetError(f"{uri!r}: the name is not UTF-8; choose another --output") from error
    except ValidationError as error:
        raise FleetError(f"{uri}: too long for a message; choose a shorter --output") from error
