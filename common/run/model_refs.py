"""The three models of the settings, each with the revision for the manifest."""

import hashlib
from functools import cache
from pathlib import Path

from common.errors import FleetError
from common.run.manifest import ModelRef, Models
from common.settings import Settings
from common.settings.presets import PRESETS
from common.version import __version__

UNPINNED = "main"
PACKAGED = ("toy/", "fake/")
DIGEST_LENGTH = 16


def model_refs(settings: Settings) -> Models:
    """The preset's models, with the overrides of the settings.

    Raises:
        FleetError: a folder does not exist or holds no files.
    """
    captioner, ranker, selector = map(model_ref, model_names(settings))
    return Models(captioner=captioner, ranker=ranker, selector=selector)


def model_names(settings: Settings) -> tuple[str, str, str]:
    """Names of captioner, ranker and selector, with their revisions if given."""
    preset = PRESETS[settings.models]
    return (
        settings.captioner or preset.captioner,
        settings.ranker or preset.ranker,
        settings.selector or preset.selector,
    )


def model_ref(name: str) -> ModelRef:
    """Name and revision: the package version, the digest of a folder, or the part after the `@`."""
    if name.startswith(PACKAGED):
        return ModelRef(name=name, revision=__version__)
    if is_folder(name):
        return ModelRef(name=str(Path(name).absolute()), revision=_digest(Path(name)))
    hub_id, _, revision = name.partition("@")
    return ModelRef(name=hub_id, revision=revision or UNPINNED)


def is_folder(name: str) -> bool:
    """Whether a model name is a local folder: it looks like a path, or exists."""
    return name.startswith(("/", "./", "../", "~")) or Path(name).is_dir()


@cache
def _digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not files:
        raise FleetError(f"{folder}: no model files here; name a folder that holds a model, or a hub id")
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()[:DIGEST_LENGTH]}"
