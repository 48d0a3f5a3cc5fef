"""A message's batch, looked up in the manifest of its run."""

from dataclasses import dataclass

from common.errors import NoPlaceError
from common.queue.message import Message
from common.run.batch import Batch
from common.run.make_run import make_run
from common.run.manifest import ManifestError, Run, read_part, read_run
from common.run.planned_part import Part
from common.settings import Settings
from common.store import Store, absolute_uri, is_under, open_store
from workers.batch.errors import ForeignMessageError, WrongSettingsError
from workers.batch.parts_allow import require_allowed


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


def _require_served(run: str, settings: Settings) -> None:
    served = absolute_uri(settings.output or "")
    if not is_under(run, served):
        raise ForeignMessageError(f"{run}: not under FLEET_OUTPUT ({served})")


def _require_same_settings(run: Run, settings: Settings) -> None:
    difference = run.difference(make_run(settings, run.batch_rows))
    if difference:
        raise WrongSettingsError(f"{difference}; give this worker the run's FLEET_ settings")
