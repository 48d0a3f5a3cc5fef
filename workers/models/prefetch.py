"""`python -m workers.models.prefetch`: download the models once, lock their checksums, verify them later.

The lock is the file FLEET_MODELS_LOCK. If it exists, the models must match it.
"""

import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from common.console.cli import fail, load_settings
from common.errors import FleetError
from common.settings import Settings
from workers.models.lock import LockedModel, ModelLock
from workers.models.resolve import required_models, resolve_model

VARIABLES = ("FLEET_CAPTIONER", "FLEET_RANKER", "FLEET_SELECTOR", "FLEET_REPAIRER")


def prefetch(settings: Settings) -> ModelLock:
    """Download and lock the models, or verify them against the lock.

    Raises:
        FleetError: a model is not available, or differs from the lock.
    """
    if settings.models_lock is None:
        raise FleetError("FLEET_MODELS_LOCK is not set; name the file that holds the models' checksums")
    path, names = Path(settings.models_lock), required_models(settings)
    if path.exists():
        lock = ModelLock.read(path)
        _require_same_names(lock, names)
        lock.verify([resolve_model(_pin(model)) for model in lock.models])
        return lock
    lock = ModelLock.of(names, [resolve_model(name) for name in names])
    try:
        lock.write_new(path)
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror}; the lock cannot be written") from error
    return lock


def _require_same_names(lock: ModelLock, names: Sequence[str]) -> None:
    for model, name in zip_longest(lock.models, names):
        if model is None or name not in (model.name, _pin(model)):
            locked = model.name if model else "none"
            raise FleetError(
                f"{name or 'no repairer'}: locked is {locked}; other models want a lock of their own"
                " (FLEET_MODELS_LOCK)"
            )


def _pin(model: LockedModel) -> str:
    repository = model.name.partition("@")[0]
    return model.name if model.revision is None else f"{repository}@{model.revision}"


def main() -> int:
    """Print the settings that name exactly these models; returns the exit code."""
    try:
        lock = prefetch(load_settings())
    except FleetError as error:
        return fail(error)
    for variable, model in zip(VARIABLES, lock.models, strict=False):
        sys.stdout.write(f"{variable}={_pin(model)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
