"""Reading a model folder, with errors that name it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from workers.cascade.errors import ModelFolderError

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def require_file(folder: Path, expected: str, *names: str) -> Path:
    """The first of the files `names` that the folder has."""
    if not folder.is_dir():
        raise ModelFolderError(folder, "no such folder", expected)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ModelFolderError(folder, f"it has no {' or '.join(names)}", expected)


def read_json(path: Path, expected: str) -> dict[str, Any]:
    with loading(path.parent, expected):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ModelFolderError(path.parent, f"{path.name} is no JSON object", expected)
    return content


@contextmanager
def loading(folder: Path, expected: str) -> Iterator[None]:
    """Turn whatever a library says of a bad folder into one line of ours."""
    try:
        yield
    except ModelFolderError:
        raise
    except Exception as error:  # libraries raise RuntimeError, OSError, KeyError, their own...
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(folder, f"{type(error).__name__}: {reason}", expected) from error


def load_transformers(kind: Any, folder: Path, dtype: torch.dtype, expected: str) -> Any:
    """A model of the class `kind` of transformers, with all its weights: local safetensors only."""
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with loading(folder, expected):
        model, report = kind.from_pretrained(
            folder, dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    if report["missing_keys"]:
        raise ModelFolderError(folder, f"the weights lack {min(report['missing_keys'])}", expected)
    return model
