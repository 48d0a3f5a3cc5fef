"""Reading a model folder, with errors that name it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import dynamic_module_utils
from transformers.utils import logging

from workers.captions import ModelFolderError
from workers.cascade.size_limit import limit_size
from workers.device.errors import find_device_error

WEIGHTS = ("model.safetensors", "model.safetensors.index.json")

DATA_ONLY = {"trust_remote_code": False, "local_files_only": True}
"""A folder's own code is never run: by default transformers would ask at the terminal."""

dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0  # nor does it ask on behalf of a library between us


def require_file(folder: Path, expected: str, *names: str) -> Path:
    """The first of the files `names` in the folder.

    Raises:
        ModelFolderError: the folder does not exist or has none of them.
    """
    if not folder.is_dir():
        raise ModelFolderError(folder, "no such folder", expected)
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ModelFolderError(folder, f"it has no {' or '.join(names)}", expected)


def read_json(path: Path, expected: str) -> dict[str, Any]:
    with model_errors(path.parent, expected):
        content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ModelFolderError(path.parent, f"{path.name} is no JSON object", expected)
    return content


@contextmanager
def model_errors(folder: Path, expected: str) -> Iterator[None]:
    """Turn any library error about a bad folder into one line; the device's errors are not the folder's."""
    try:
        yield
    except ModelFolderError:
        raise
    except Exception as error:  # libraries raise RuntimeError, OSError, KeyError, their own...
        failed = find_device_error(error)
        if failed is not None:
            raise failed from error
        reason = " ".join(str(error).split())[:300]
        raise ModelFolderError(folder, f"{type(error).__name__}: {reason}", expected) from error


def load_transformers(kind: Any, folder: Path, dtype: torch.dtype, expected: str) -> Any:
    """A model of transformers' class `kind`, from local safetensors only.

    Raises:
        ModelFolderError: the folder cannot be loaded, or the weights are incomplete.
    """
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with limit_size(folder, expected):
        model, report = load_pretrained(
            kind, folder, expected, dtype=dtype, use_safetensors=True, output_loading_info=True
        )
    if report["missing_keys"]:
        raise ModelFolderError(folder, f"the weights lack {min(report['missing_keys'])}", expected)
    return model


def load_pretrained(kind: Any, folder: Path, expected: str, **options: Any) -> Any:
    """Whatever transformers' class `kind` makes of a folder: a model, a tokenizer, an image processor.

    Raises:
        ModelFolderError: it cannot be loaded, or brings code of its own.
    """
    with model_errors(folder, expected):
        return kind.from_pretrained(folder, **DATA_ONLY, **options)
