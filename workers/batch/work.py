"""One batch from message to shard: the flow that knows no Celery."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from common.errors import NoPlaceError
from common.metrics import OPT_OUTS, Stage, measure
from common.queue.message import Message
from common.run.batch import Batch
from common.run.make_run import make_run
from common.run.manifest import ManifestError, Run, read_part, read_run
from common.run.planned_part import Part
from common.run.schema import Status
from common.settings import Settings
from common.signs import VERSION, sign_of
from common.store import Store, absolute_uri, is_under, open_store
from workers.archive import Source, TarSource, open_source
from workers.batch import loop
from workers.batch.bodies import Bodies, HeldBodies, WebBodies
from workers.batch.errors import ForeignMessageError, WrongSettingsError
from workers.batch.filters import Filters
from workers.batch.flow import Flow
from workers.batch.network import check_network
from workers.batch.outcome import Outcome
from workers.batch.parts_allow import require_allowed
from workers.batch.rows import read_rows
from workers.batch.shard import shard_bytes
from workers.captions import Captioning
from workers.decode import Decoder
from workers.fetch.shared import Shared

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Work:
    """A batch with all that is needed to do it."""

    store: Store
    run: Run
    part: Part
    batch: Batch


def find_work(message: Message, settings: Settings) -> Work:
    """Look the message up in the manifest of its run.

    Raises:
        ForeignMessageError: the run is not under FLEET_OUTPUT, is none, or has no such batch; its part is
            not in FLEET_PARTS_ALLOW.
        WrongSettingsError: the run was made with other settings.
        StoreError: the output cannot be reached.
    """
    _require_served(message.run, settings)
    store = open_store(message.run, settings.s3)
    run, part = _read_manifest(store, message.part)
    require_allowed(part.as_read(store.uri), store.uri, settings.parts_allow)
    batch = part.batch_at(message.first_row, run.batch_rows)
    if batch is None:
        raise ForeignMessageError(
            f"{message.run}: part {message.part} has no batch at row {message.first_row}"
        )
    _require_same_settings(run, settings)
    return Work(store, run, part, batch)


def _read_manifest(store: Store, name: str) -> tuple[Run, Part]:
    """The manifest as far as a message needs it; no waiting makes one of something else."""
    try:
        run, part = read_run(store), read_part(store, name)
    except (ManifestError, NoPlaceError) as error:
        raise ForeignMessageError(str(error)) from error
    if run is None or part is None:
        raise ForeignMessageError(f"{store.uri}: no manifest of part {name} there")
    return run, part


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch's rows as they were read.

    Args:
        table: URL, TEXT and the passed-through columns.
        settled: outcomes of the rows that have no image, or that the operator does not want, by index.
        filters: for what is known only once an image is fetched.
        source: the images that are here; None where they are on the web.
    """

    table: pa.Table
    settled: Mapping[int, Outcome]
    filters: Filters
    source: Source | None = None

    @property
    def urls(self) -> list[str | None]:
        return cast("list[str | None]", self.table["URL"].to_pylist())


def read_batch(work: Work, settings: Settings) -> Rows:
    """Read a batch's rows and filter them.

    Raises:
        PartError: the part changed or is damaged.
        StoreError: the place where it lies cannot be reached.
        FilterError: the deny list cannot be read.
    """
    filters = Filters(settings.filter)
    part = work.part.as_read(work.store.uri)
    with measure(Stage.READ):
        source = open_source(part, work.batch, settings.s3)
        if isinstance(source, TarSource):
            table = source.table
        else:
            table = read_rows(part.row_list, work.batch, settings.s3)
    absent = source.absent() if source else {}
    lacking = {index: Outcome(found.status, found.error) for index, found in absent.items()}
    return Rows(table, lacking | _filter(table, filters), filters, source)


def caption_batch(
    work: Work,
    rows: Rows,
    cascade: Captioning,
    settings: Settings,
    advance: Advance,
    *,
    isolate: bool = False,
    shared: Shared | None = None,
) -> Counter[str] | None:
    """Caption a batch and write its shard.

    Args:
        work: the batch.
        rows: of the batch.
        cascade: the models, loaded.
        settings: how to fetch.
        advance: called with the number of rows that have just got their outcome.
        isolate: decode each image in a disposable process, because this batch crashed its worker.
        shared: what the fleet shares about hosts.

    Returns:
        Rows by status; None if somebody else's shard was there first.

    Raises:
        StoreError: the output cannot be reached.
        NetworkError: the web cannot be reached.
    """
    with Decoder(settings.decode, isolate=isolate) as decoder:
        bodies = _bodies(rows, settings, shared)
        flow = Flow(
            cascade,
            settings.fetch,
            settings.pass_size,
            decoder.decode,
            advance,
            settings.honoured,
            rows.filters.blocked,
        )
        outcomes = rows.filters.judge_images(loop.run(flow.run(bodies, _keys(work), rows.settled)))
    if rows.source is None:
        check_network(rows.urls, outcomes, settings.fetch.canary)
    with measure(Stage.WRITE):
        made = _provenance(work, cascade.dtype, settings, rows.filters)
        body = shard_bytes(rows.table, outcomes, work.batch, made)
        first = work.store.create(work.batch.shard_key, body)
    if first:
        count_signs(outcomes)
    return count_statuses(outcomes) if first else None


def _bodies(rows: Rows, settings: Settings, shared: Shared | None) -> Bodies:
    if rows.source is None:
        return WebBodies(rows.urls, settings.fetch, settings.manners, shared)
    return HeldBodies(rows.source, settings.fetch.max_bytes)


def _filter(table: pa.Table, filters: Filters) -> dict[int, Outcome]:
    verdicts = ((index, filters.verdict(row)) for index, row in enumerate(table.to_pylist()))
    return {index: Outcome(*verdict) for index, verdict in verdicts if verdict is not None}


def count_statuses(outcomes: Sequence[Outcome]) -> Counter[str]:
    return Counter(outcome.status.value for outcome in outcomes)


def count_signs(outcomes: Sequence[Outcome]) -> None:
    """Count the rows that were refused, by sign."""
    for outcome in outcomes:
        if outcome.status is Status.OPT_OUT:
            OPT_OUTS.labels(sign_of(outcome.error or "")).inc()


def _require_served(run: str, settings: Settings) -> None:
    served = absolute_uri(settings.output or "")
    if not is_under(run, served):
        raise ForeignMessageError(f"{run}: not under FLEET_OUTPUT ({served})")


def _require_same_settings(run: Run, settings: Settings) -> None:
    difference = run.difference(make_run(settings, run.batch_rows))
    if difference:
        raise WrongSettingsError(f"{difference}; give this worker the run's FLEET_ settings")


def _keys(work: Work) -> list[int]:
    """An identity for each row that neither batch size nor output changes."""
    batch = work.batch
    return [_key(f"{batch.part}/{row}") for row in range(batch.first_row, batch.first_row + batch.rows)]


def _key(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little", signed=True)


def _provenance(work: Work, dtype: str, settings: Settings, filters: Filters) -> dict[str, Any]:
    made = make_run(settings, work.run.batch_rows).model_dump(mode="json", exclude={"format", "batch_rows"})
    models = {role: {**model, "dtype": dtype} for role, model in made["models"].items()}
    return {**made, "run": work.store.uri, "models": models, "signs_table": VERSION, "lists": filters.digests}
