"""From a batch's rows to its shard."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from common.metrics import OPT_OUTS, Stage, measure
from common.run.make_run import make_run
from common.run.status import Status
from common.settings import Settings
from common.signs import VERSION, sign_of
from workers.batch import loop
from workers.batch.bodies import Bodies, HeldBodies, WebBodies
from workers.batch.filters import Filters
from workers.batch.flow import Flow
from workers.batch.network import check_network
from workers.batch.outcome import Outcome
from workers.batch.read import Rows
from workers.batch.shard import shard_bytes
from workers.batch.work import Work
from workers.captions import Captioning
from workers.decode.decoder import Decoder
from workers.fetch.shared import Shared

Advance = Callable[[int], None]


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
        flow = Flow(
            cascade,
            settings.fetch,
            settings.pass_size,
            decoder.decode,
            advance,
            settings.honoured,
            rows.filters.blocked,
        )
        bodies = _bodies(rows, settings, shared)
        outcomes = rows.filters.judge_images(loop.run(flow.run(bodies, _keys(work), rows.settled)))
    if rows.source is None:
        check_network(rows.urls, outcomes, settings.fetch.canary)
    made = _provenance(work, cascade, settings, rows.filters)
    if not _write(work, rows, outcomes, made):
        return None
    _count_signs(outcomes)
    return Counter(outcome.status.value for outcome in outcomes)


def _bodies(rows: Rows, settings: Settings, shared: Shared | None) -> Bodies:
    if rows.source is None:
        return WebBodies(rows.urls, settings.fetch, settings.manners, shared)
    return HeldBodies(rows.source, settings.fetch.max_bytes)


def _write(work: Work, rows: Rows, outcomes: Sequence[Outcome], made: dict[str, Any]) -> bool:
    """Whether this shard is the batch's first."""
    with measure(Stage.WRITE):
        body = shard_bytes(rows.table, outcomes, work.batch, made)
        return work.store.create(work.batch.shard_key, body)


def _count_signs(outcomes: Sequence[Outcome]) -> None:
    """Count the rows that were refused, by sign."""
    for outcome in outcomes:
        if outcome.status is Status.OPT_OUT:
            OPT_OUTS.labels(sign_of(outcome.error or "")).inc()


def _keys(work: Work) -> list[int]:
    """An identity for each row that neither batch size nor output changes."""
    batch = work.batch
    return [_key(f"{batch.part}/{row}") for row in range(batch.first_row, batch.first_row + batch.rows)]


def _key(identity: str) -> int:
    return int.from_bytes(hashlib.blake2b(identity.encode(), digest_size=8).digest(), "little", signed=True)


def _provenance(work: Work, cascade: Captioning, settings: Settings, filters: Filters) -> dict[str, Any]:
    made = make_run(settings, work.run.batch_rows).model_dump(mode="json", exclude={"format", "batch_rows"})
    models = {
        role: {**model, "dtype": cascade.dtypes.get(role, cascade.dtype)}
        for role, model in made["models"].items()
    }
    return {**made, "run": work.store.uri, "models": models, "signs_table": VERSION, "lists": filters.digests}
