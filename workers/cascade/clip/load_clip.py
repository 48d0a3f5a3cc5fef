"""Load a dual encoder from an open_clip folder."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import open_clip
import structlog
import torch
from open_clip import CLIP, CustomTextCLIP
from safetensors import safe_open

from common.console.words import quote
from workers.captions import ModelFolderError
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.inference import prepare_for_inference
from workers.cascade.clip.word_tokenizer import remember_words
from workers.cascade.model_folder import DATA_ONLY, model_errors, read_json, require_file
from workers.cascade.pixels import Fit, Preprocessing, Resampling
from workers.cascade.size_limit import limit_size

log = structlog.get_logger(__name__)

_EXPECTED = "a dual encoder as open_clip saves it (open_clip_config.json and open_clip_model.safetensors)"
_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
_FLOATS = frozenset({"F16", "BF16", "F32", "F64"})  # as safetensors names them
_TOKENIZER_OPTIONS = frozenset({"clean", "language", "reduction_mask", "strip_sep_token"})
_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
"""Files that open_clip prefers, in its order."""


def load_clip(folder: Path, device: torch.device, dtype: torch.dtype) -> Clip:
    """Raises ModelFolderError unless the folder holds an open_clip model."""
    config = read_json(require_file(folder, _EXPECTED, "open_clip_config.json"), _EXPECTED)
    require_file(folder, _EXPECTED, *_WEIGHTS)
    name = f"local-dir:{folder}"
    with model_errors(folder, _EXPECTED), limit_size(folder, _EXPECTED):
        model = open_clip.create_model(
            name,
            precision=_PRECISIONS[dtype],
            device=device,
            force_quick_gelu=is_openai(folder, config),
        )
        tokenizer = open_clip.get_tokenizer(name, **_tokenizer_options(folder, config))
    model.eval()
    prepare_for_inference(model, dtype)
    return Clip(model, remember_words(tokenizer), _preprocessing(folder, model), dtype)


def load_judge(folder: Path, device: torch.device, dtypes: Sequence[torch.dtype]) -> Clip:
    """A dual encoder in the first of `dtypes` whose range suffices; the last is not asked.

    Raises:
        ModelFolderError: the folder holds no open_clip model.
    """
    for dtype, other in pairwise(dtypes):
        clip = load_clip(folder, device, dtype)
        if clip.is_finite():
            return clip
        log.warning("clip.range", model=str(folder), hint=f"its features outgrow {dtype}; it runs in {other}")
    return load_clip(folder, device, dtypes[-1])


def is_float16(folder: Path) -> bool:
    """Whether the weights were published in float16, as OpenAI's were, whoever has converted them since.

    Raises:
        ModelFolderError: it is no folder of open_clip.
    """
    config = read_json(require_file(folder, _EXPECTED, "open_clip_config.json"), _EXPECTED)
    weights = require_file(folder, _EXPECTED, *_WEIGHTS)
    with model_errors(folder, _EXPECTED), safe_open(weights, framework="pt") as file:
        kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - no mapping
    return is_openai(folder, config) or (kinds & _FLOATS == {"F16"})


def _tokenizer_options(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """What overrules the options that the folder sets for its own tokenizer.

    Raises:
        ModelFolderError: it sets one that is no matter of texts, such as to trust its code.
    """
    text = config["model_cfg"]["text_cfg"]
    foreign = set(text.get("tokenizer_kwargs") or {}) - _TOKENIZER_OPTIONS
    if foreign:
        raise ModelFolderError(folder, f"its tokenizer is to be given {quote(min(foreign))}", _EXPECTED)
    return DATA_ONLY if text.get("hf_tokenizer_name") else {}


def is_openai(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the weights are OpenAI's, trained with QuickGELU even where the configuration does not say so.

    The names of their Hub repositories end in `.openai`, and so does a folder of the cache.
    """
    names = (folder.name, folder.parent.parent.name)
    return config.get("tag") == "openai" or any(name.endswith(".openai") for name in names)


def _preprocessing(folder: Path, model: CLIP | CustomTextCLIP) -> Preprocessing:
    cfg: dict[str, Any] = model.visual.preprocess_cfg
    sides = {cfg["size"]} if isinstance(cfg["size"], int) else set(cfg["size"])
    if len(sides) != 1 or cfg["resize_mode"] not in set(Fit):
        raise ModelFolderError(
            folder, f"it wants {cfg['size']} pixels, {cfg['resize_mode']}", "a square, squash or shortest"
        )
    return Preprocessing(
        side=sides.pop(),
        fit=Fit(cfg["resize_mode"]),
        resampling=Resampling.BILINEAR if cfg["interpolation"] == "bilinear" else Resampling.BICUBIC,
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
    )
