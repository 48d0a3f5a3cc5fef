"""Opening a run for writing: its manifest is written once, and must match the current settings."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import structlog

from common import __version__
from common.errors import FleetError
from common.run.manifest import RUN_KEY, Part, Run, part_key, read_parts, read_run
from common.run.model_refs import UNPINNED, model_refs
from common.settings import Settings
from common.store import Store

log = structlog.get_logger(__name__)

DEFAULT_BATCH_ROWS = 10_000
WRITERS = 16


def agree_on_run(store: Store, settings: Settings, batch_rows: int | None) -> tuple[Run, bool]:
    """The run, and whether it exists already. Writes nothing.

    Raises:
        FleetError: the run was made with other settings; the line names the difference.
    """
    existing = read_run(store)
    known = existing.batch_rows if existing else DEFAULT_BATCH_ROWS
    wanted = Run(
        version=__version__,
        batch_rows=batch_rows or known,
        models=model_refs(settings),
        sampling=settings.sampling,
    )
    if existing is None:
        _warn_of_unpinned(wanted)
        return wanted, False
    _require_match(store, existing, wanted)
    return existing, True


def agree_on_parts(store: Store, parts: Sequence[Part]) -> list[Part]:
    """The parts that are not in the run yet. Writes nothing.

    Raises:
        FleetError: a part is in the run in another version, or with another limit of rows.
    """
    known = {part.id: part for part in read_parts(store)}
    for part in parts:
        before = known.get(part.id, part)
        if before.fingerprint != part.fingerprint:
            raise FleetError(f"{part.address}: changed since it was enqueued; enqueue it into a new run")
        if before.rows != part.rows:
            raise FleetError(
                f"{part.address}: this run has {before.rows} rows of it, not {part.rows};"
                " give the same --limit-rows, or another --output"
            )
    return [part for part in parts if part.id not in known]


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
    """Create one file a part; existing ones were compared before."""
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda part: store.create(part_key(part.id), part.to_json()), parts))


def _warn_of_unpinned(run: Run) -> None:
    for ref in (run.models.captioner, run.models.ranker, run.models.selector):
        if ref.revision == UNPINNED:
            log.warning("model is not pinned; name it as id@commit", model=ref.name)


def _require_match(store: Store, existing: Run, wanted: Run) -> None:
    difference = existing.difference(wanted)
    if difference:
        raise FleetError(f"{store.uri}: made with other settings: {difference}; use another --output")
