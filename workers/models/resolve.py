"""Model names to local folders: toy models, local folders, repositories of the Hub."""

from pathlib import Path
from typing import Final

from common.errors import FleetError
from common.run.model_refs import model_names
from common.settings import Settings

TOY: Final = Path(__file__).parents[1] / "toy" / "weights"
_FILES: Final = ["*.json", "*.txt", "*.safetensors"]  # never a pickle
_UNUSED: Final = ["*/*", "tf_*", "flax_*"]


class ModelNameError(FleetError):
    """A model name resolves to no folder."""

    label = "ModelNameError"


def required_models(settings: Settings) -> list[str]:
    """Names of captioner, ranker and selector, and of the repairer if one is set."""
    return [name for name in (*model_names(settings), settings.repairer) if name]


def resolve_model(name: str) -> Path:
    """The local folder of a model; a Hub repository is taken from the cache, or downloaded.

    Args:
        name: `toy/captioner`, `toy/ranker`, `toy/selector`, a folder, a hub id, or `hub-id@revision`.

    Raises:
        ModelNameError: no such folder or repository, or the Hub is not available.
    """
    if name.startswith("toy/"):
        return _packaged_folder(TOY / name.removeprefix("toy/"), name)
    if Path(name).is_dir():
        return Path(name)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise ModelNameError(f"{name}: no such folder; expected a folder, a hub id or hub-id@revision")
    return _download(name)


def _packaged_folder(folder: Path, name: str) -> Path:
    if folder.parent != TOY or not folder.is_dir():
        raise ModelNameError(f"{name}: no such toy model; expected toy/captioner, toy/ranker or toy/selector")
    return folder


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, and rarely needed
    from huggingface_hub.errors import (  # noqa: PLC0415
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    repository, _, revision = name.partition("@")
    try:
        folder = snapshot_download(
            repository, revision=revision or None, allow_patterns=_FILES, ignore_patterns=_UNUSED
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelNameError(
            f"{name}: neither a local folder nor available on the Hub ({type(error).__name__}: {reason})"
        ) from error
    if not any(Path(folder).glob("*.safetensors")):
        raise ModelNameError(f"{name}: the repository has no *.safetensors, and nothing else is loaded")
    return Path(folder)
