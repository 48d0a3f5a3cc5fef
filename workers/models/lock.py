"""The model lock: checksums of every file, written once and verified ever after."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import FleetError


class ModelLockError(FleetError):
    """The models differ from the lock, or the lock is missing or damaged."""

    label = "ModelLockError"


class LockedModel(BaseModel):
    """One model: its name, its Hub revision if any, and its files.

    Args:
        files: SHA-256 in hexadecimal by path below the model's folder.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    revision: str | None = None
    files: dict[str, str] = Field(min_length=1)


class ModelLock(BaseModel):
    """Captioner, ranker, selector and optionally a repairer, in this order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: tuple[LockedModel, ...] = Field(min_length=3, max_length=4)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelLockError if there is no valid lock."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ModelLockError(
                f"{path}: {error.strerror}; run python -m workers.models.prefetch or set FLEET_MODELS_LOCK"
            ) from error
        except ValidationError as error:
            raise ModelLockError(f"{path}: no lock of models ({error.errors()[0]['msg']})") from error

    @classmethod
    def of(cls, names: Sequence[str], folders: Sequence[Path]) -> Self:
        """A lock of the current files."""
        models = [
            LockedModel(name=name, revision=hub_revision(folder), files=checksums(folder))
            for name, folder in zip(names, folders, strict=True)
        ]
        return cls.model_validate({"models": models})

    def verify(self, folders: Sequence[Path]) -> None:
        """Raises ModelLockError if a model or a file is missing, new or different."""
        if len(folders) != len(self.models):
            raise ModelLockError(
                f"{len(self.models)} models are locked and {len(folders)} wanted; prefetch anew"
            )
        for model, folder in zip(self.models, folders, strict=True):
            found = checksums(folder)
            wrong = sorted(
                file for file in found.keys() | model.files if found.get(file) != model.files.get(file)
            )
            if wrong:
                raise ModelLockError(
                    f"{folder}: {wrong[0]} is not the file that was locked as {model.name};"
                    " find out who changed it, then restore it or prefetch anew"
                )

    def write_new(self, path: Path) -> None:
        """Raises FileExistsError if there is a lock already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            json.dump(self.model_dump(), file, indent=1)
            file.write("\n")


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, through the links of the Hub's cache."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}


def hub_revision(folder: Path) -> str | None:
    """The commit of a folder in the Hub's cache, which is the folder's name."""
    return folder.name if folder.parent.name == "snapshots" else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
