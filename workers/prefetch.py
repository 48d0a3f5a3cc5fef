"""`python -m workers.prefetch`: download the models once, lock their checksums, verify them ever after.

The lock lies where FLEET_MODELS_LOCK says. Where there is one, the models must agree with it.
"""

import sys
from pathlib import Path

from common.cli import fail, load_settings
from common.errors import FleetError
from common.models import model_names
from common.settings import Settings
from workers.models import resolve_model
from workers.prefetch_lock import LockedModel, ModelLock


def prefetch(settings: Settings) -> ModelLock:
    """Raise FleetError where a model cannot be had, or is not the one that was locked."""
    if settings.models_lock is None:
        raise FleetError("FLEET_MODELS_LOCK is not set; name the file that holds the models' checksums")
    path, names = Path(settings.models_lock), model_names(settings)
    if path.exists():
        lock = ModelLock.read(path)
        lock.verify([resolve_model(_pinned(model)) for model in lock.models])
        _must_name_the_same(lock, names)
        return lock
    lock = ModelLock.of(names, [resolve_model(name) for name in names])
    try:
        lock.write_new(path)
    except OSError as error:
        raise FleetError(f"{path}: {error.strerror}; the lock cannot be written") from error
    return lock


def _must_name_the_same(lock: ModelLock, names: tuple[str, str, str]) -> None:
    for model, name in zip(lock.models, names, strict=True):
        if name not in (model.name, _pinned(model)):
            raise FleetError(
                f"{name}: locked is {model.name}; other models want a lock of their own (FLEET_MODELS_LOCK)"
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
    for variable, model in zip(("CAPTIONER", "RANKER", "SELECTOR"), lock.models, strict=True):
        sys.stdout.write(f"FLEET_{variable}={_pinned(model)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
