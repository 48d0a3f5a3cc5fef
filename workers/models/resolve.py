"""Model names to local folders: the toy models, folders of one's own, repositories of the hub."""

from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

from common.errors import FleetError
from common.run.model_refs import model_names
from common.settings import Settings
from common.settings.presets import FAKE
from workers.captions import Captioning
from workers.models.fake import FakeCascade
from workers.models.lock import ModelLock

TOY: Final = Path(__file__).parents[1] / "toy" / "weights"
_FILES: Final = ["*.json", "*.txt", "*.safetensors"]  # never a pickle
_UNUSED: Final = ["*/*", "tf_*", "flax_*"]


class ModelNameError(FleetError):
    """A model name leads to no folder; one line with the name and what was expected."""


def wanted(settings: Settings) -> list[str]:
    """Captioner, ranker and selector as they are named, and the repairer where there is one."""
    return [name for name in (*model_names(settings), settings.repairer) if name]


def resolve_model(name: str) -> Path:
    """The local folder of a model; a repository of the hub is downloaded, or taken from its cache.

    Args:
        name: `toy/captioner`, `toy/ranker`, `toy/selector`, a folder, a hub id, or `hub-id@revision`.

    Raises:
        ModelNameError: there is no such folder or repository, or the hub cannot be reached.
    """
    if name.startswith("toy/"):
        return _existing(TOY / name.removeprefix("toy/"), name)
    if Path(name).is_dir():
        return Path(name)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelNameError(f"{name}: no such folder; expected a folder, a hub id or hub-id@revision")
    return _downloaded(name)


def _existing(folder: Path, name: str) -> Path:
    if folder.parent != TOY or not folder.is_dir():
        raise ModelNameError(f"{name}: no such toy model; expected toy/captioner, toy/ranker or toy/selector")
    return folder


def _downloaded(name: str) -> Path:
    repository, _, revision = name.partition("@")
    try:
        folder = snapshot_download(
            repository, revision=revision or None, allow_patterns=_FILES, ignore_patterns=_UNUSED
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelNameError(
            f"{name}: neither a folder nor to be had from the hub ({type(error).__name__}: {reason})"
        ) from error
    if not any(Path(folder).glob("*.safetensors")):
        raise ModelNameError(f"{name}: the repository has no *.safetensors, and nothing else is loaded")
    return Path(folder)


_loading: Final = Lock()  # two threads that want the models wait for one loading of them


def load_models(settings: Settings) -> Captioning:
    """The cascade that the settings name, loaded once a process.

    Raises:
        ModelNameError: a name leads to no folder.
        ModelLockError: a file is not the one that was locked.
        ModelFolderError: a folder holds something else.
    """
    with _loading:
        return _loaded(settings)


@cache
def _loaded(settings: Settings) -> Captioning:
    if settings.models == FAKE:
        return FakeCascade(settings.sampling)
    captioner, ranker, selector, *repairer = folders = [resolve_model(name) for name in wanted(settings)]
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
