"""The models in memory, loaded once per process."""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from common.settings import Settings
from common.settings.presets import FAKE
from workers.captions import Captioning
from workers.models.fake import FakeCascade
from workers.models.lock import ModelLock
from workers.models.resolve import required_models, resolve_model

_lock: Final = Lock()  # warm-up and the first batch share one load


def load_models(settings: Settings) -> Captioning:
    """The cascade of the settings, loaded once per process.

    Raises:
        ModelNameError: a name resolves to no folder.
        ModelLockError: a file differs from the locked one.
        ModelFolderError: a folder holds another kind of model.
    """
    with _lock:
        return _load_once(settings)


@cache
def _load_once(settings: Settings) -> Captioning:
    if settings.models == FAKE:
        return FakeCascade(settings.sampling)
    captioner, ranker, selector, *repairer = folders = [
        resolve_model(name) for name in required_models(settings)
    ]
    if settings.models_lock is not None:
        ModelLock.read(Path(settings.models_lock)).verify(folders)
    from workers.cascade import load_cascade  # noqa: PLC0415 - only a worker's child needs torch

    return load_cascade(
        captioner,
        ranker,
        selector,
        settings.sampling,
        settings.device,
        dtype=settings.dtype,
        repairer=repairer[0] if repairer else None,
    )
