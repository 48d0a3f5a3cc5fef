"""`python -m workers.models.prefetch`: download the models once, lock their checksums, verify them later.

The lock lies where FLEET_MODELS_LOCK says. Where there is one, the models must agree with it.
"""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.settings import Settings
from workers.models.lock import LockedModel, ModelLock
from workers.models.resolve import resolve_model, wanted

VARIABLES = ("FLEET_CAPTIONER", "FLEET_RANKER", "FLEET_SELECTOR", "FLEET_REPAIRER")


def prefetch(settings: Settings) -> ModelLock:
    """Raise FleetError where a model cannot be had, or is not the one that was locked."""
    if settings.models_lock is None:
        raise FleetError("FLEET_MODELS_LOCK is not set; name the file that holds the models' checksums")
    path, names = Path(settings.models_lock), wanted(settings)
    if path.exists():
        lock = ModelLock.read(path)
        _must_name_the_same(lock, names)
        lock.verify([resolve_model(_pinned(model)) for model in lock.models])
        return lock
    lock = ModelLock.of(names, [resolve_model(name) for name in names])
    try:
        lock.write_new(path)
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror}; the lock cannot be written") from error
    return lock


def _must_name_the_same(lock: ModelLock, names: Sequence[str]) -> None:
    for model, name in zip_longest(lock.models, names):
        if model is None or name not in (model.name, _pinned(model)):
            locked = model.name if model else "none"
            raise FleetError(
                f"{name or 'no repairer'}: locked is {locked}; other models want a lock of their own"
                " (FLEET_MODELS_LOCK)"
            )


def _pinned(model: LockedModel) -> str:
    repository = model.name.partition("@")[0]
    return model.name if model.revision is None else f"{repository}@{model.revision}"


def main() -> int:
    """Print how the settings name these models and no others; returns the exit code."""
    try:
        lock = prefetch(load_settings())
    except FleetError as error:
        return fail(error)
    for variable, model in zip(VARIABLES, lock.models, strict=False):
        sys.stdout.write(f"{variable}={_pinned(model)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
