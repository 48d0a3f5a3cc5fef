"""Opening a run for writing: its manifest is written once, and must match the current settings."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from common.console.progress import progress
from common.errors import FleetError
from common.run.bundle import write_bundle
from common.run.layout import RUN_KEY, part_key
from common.run.make_run import make_run
from common.run.manifest import Run, read_part, read_run
from common.run.model_refs import UNPINNED
from common.run.planned_part import Part
from common.settings import Settings
from common.store import Store
from producer.options import EnqueueOptions

log = structlog.get_logger(__name__)

WRITERS = 32


def agree_on_run(store: Store, settings: Settings, options: EnqueueOptions) -> tuple[Run, bool]:
    """The run, and whether it exists already. Writes nothing.

    Raises:
        FleetError: the run was made with other settings; the line names the difference.
    """
    existing = read_run(store)
    known = existing.batch_rows if existing else options.usual_batch_rows
    wanted = make_run(settings, options.batch_rows or known)
    if existing is None:
        _warn_of_unpinned(wanted)
        return wanted, False
    _require_match(store, existing, wanted)
    return existing, True


def agree_on_parts(planned: Mapping[str, Part], parts: Sequence[Part]) -> list[Part]:
    """The parts that are not in the run yet.

    Args:
        planned: parts of the run, by id.
        parts: to be added.

    Raises:
        FleetError: a part is in the run in another version, or with another limit of rows.
    """
    for part in parts:
        _require_same_part(planned.get(part.id, part), part)
    return [part for part in parts if part.id not in planned]


def write_run(store: Store, run: Run) -> None:
    """Create `run.json`.

    Raises:
        FleetError: a run with other settings was created concurrently.
    """
    if not store.create(RUN_KEY, run.to_json()):
        existing = read_run(store)
        if existing is not None:
            _require_match(store, existing, run)


def write_parts(store: Store, parts: Sequence[Part]) -> None:
    """Create one object per part, then their bundle.

    Raises:
        FleetError: another producer has just planned a part otherwise.
    """
    with progress("writing the manifest", len(parts)) as advance, ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(lambda part: _write_part(store, part), parts):
            advance(1)
    if len(parts) > 1:
        write_bundle(store, {part_key(part.id): part.to_json() for part in parts})


def _write_part(store: Store, part: Part) -> None:
    if not store.create(part_key(part.id), part.to_json()):
        known = read_part(store, part.id)
        if known is not None:
            _require_same_part(known, part)


def _warn_of_unpinned(run: Run) -> None:
    for ref in (run.models.captioner, run.models.ranker, run.models.selector, run.repairer):
        if ref is not None and ref.revision == UNPINNED:
            log.warning("model is not pinned; name it as id@commit", model=ref.name)


def _require_same_part(planned: Part, part: Part) -> None:
    if planned.fingerprint != part.fingerprint:
        raise FleetError(f"{part.address}: changed since it was enqueued; enqueue it into a new run")
    if planned.rows != part.rows:
        raise FleetError(
            f"{part.address}: this run has {planned.rows} rows of it, not {part.rows};"
            " give the same --limit-rows, or another --output"
        )


def _require_match(store: Store, existing: Run, wanted: Run) -> None:
    difference = existing.difference(wanted)
    if difference:
        raise FleetError(f"{store.uri}: made with other settings: {difference}; use another --output")
