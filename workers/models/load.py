"""The models in memory, loaded once per process."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from common.settings import Settings
from common.settings.presets import FAKE
from workers.captions import Captioning
from workers.device import thread as device_thread
from workers.device.share import processes_on_card
from workers.models.fake import FakeCascade
from workers.models.fit import fit_settings
from workers.models.lock import ModelLock
from workers.models.resolve import TOY, required_models, resolve_model

RATE_OF_A_CORE = 0.07
"""Images a second on a CPU: docs/performance.md."""

log = structlog.get_logger(__name__)

_lock: Final = Lock()  # warm-up and the first batch share one load


def load_models(settings: Settings) -> Captioning:
    """The cascade of the settings, loaded once per process.

    Raises:
        ModelNameError: a name resolves to no folder.
        ModelLockError: a file differs from the locked one.
        ModelFolderError: a folder holds another kind of model.
        DeviceError: the device cannot be had, or has no room.
    """
    with _lock:
        return _load_once(settings)


@cache
def _load_once(settings: Settings) -> Captioning:
    if settings.models == FAKE:
        return FakeCascade(settings.sampling)
    names = required_models(settings)
    folders = [resolve_model(name) for name in names]
    if settings.models_lock is not None:
        ModelLock.read(Path(settings.models_lock)).verify(folders)
    return device_thread.submit(_load_onto_device, folders, settings).result()


def _load_onto_device(folders: Sequence[Path], settings: Settings) -> Captioning:
    with _without_collection():
        from workers.cascade.assemble import load_cascade  # noqa: PLC0415 - only a worker's child needs torch
        from workers.cascade.device import describe_device  # noqa: PLC0415

    captioner, ranker, selector, *repairer = folders
    cascade = load_cascade(
        captioner,
        ranker,
        selector,
        settings.sampling,
        settings.device,
        dtype=settings.dtype,
        float8=settings.float8,
        repairer=repairer[0] if repairer else None,
    )
    device = describe_device()
    if device["device"] == "cpu" and TOY not in captioner.parents:
        log.warning(
            "no GPU here", images_per_second=f"about {RATE_OF_A_CORE} a core with models of full size"
        )
    fitted = fit_settings(settings)
    log.info(
        "models loaded",
        **device,
        dtype=cascade.dtype,
        dtypes={"captioner": cascade.dtype, **cascade.dtypes},
        micro_batch=fitted.pass_size,
        downloads_in_flight=fitted.fetch.in_flight,
        processes_on_card=processes_on_card(),
    )
    return cascade


@contextmanager
def _without_collection() -> Iterator[None]:
    """Imports leave no garbage, and looking for it takes a fifth of their time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
