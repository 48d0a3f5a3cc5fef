"""Load BLIP from a transformers folder."""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoTokenizer, BlipForConditionalGeneration
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from common.settings import SamplingSettings
from workers.captions import ModelFolderError
from workers.cascade.blip.captioner import BlipCaptioner, text_config_value, vision_config_value
from workers.cascade.model_folder import (
    WEIGHTS,
    load_pretrained,
    load_transformers,
    model_errors,
    read_json,
    require_file,
)
from workers.cascade.pixels import Fit, Preprocessing, Resampling

_EXPECTED = "BLIP for captioning as transformers saves it (model type blip, model.safetensors, a tokenizer)"


def load_blip(
    folder: Path, sampling: SamplingSettings, device: torch.device, dtype: torch.dtype
) -> BlipCaptioner:
    """Raises ModelFolderError unless the folder holds BLIP for captioning."""
    model_type = read_json(require_file(folder, _EXPECTED, "config.json"), _EXPECTED).get("model_type")
    if model_type != "blip":
        raise ModelFolderError(folder, f"config.json says model type {model_type!r}", _EXPECTED)
    for names in (WEIGHTS, ("preprocessor_config.json",), ("tokenizer.json", "vocab.txt")):
        require_file(folder, _EXPECTED, *names)
    model: BlipForConditionalGeneration = load_transformers(
        BlipForConditionalGeneration, folder, dtype, _EXPECTED
    )
    tokenizer = load_pretrained(AutoTokenizer, folder, _EXPECTED)
    positions = text_config_value(model, "max_position_embeddings")
    prompt, longest = len(tokenizer(sampling.prompt).input_ids), max(sampling.max_tokens)
    if prompt + longest > positions:
        raise ModelFolderError(
            folder, f"it reads {positions} tokens", f"room for {prompt} and {longest} new ones"
        )
    nn.Module.to(model.train(False), device)
    preprocessing = _preprocessing(folder, vision_config_value(model, "image_size"))
    return BlipCaptioner(model, tokenizer, preprocessing, sampling)


def _preprocessing(folder: Path, side: int) -> Preprocessing:
    processor = load_pretrained(BlipImageProcessorPil, folder, _EXPECTED)
    if {processor.size.get("height"), processor.size.get("width")} != {side}:
        raise ModelFolderError(
            folder,
            "preprocessor_config.json gives images another size",
            f"{side} pixels, as config.json says",
        )
    with model_errors(folder, _EXPECTED):
        return Preprocessing(
            side=side,
            fit=Fit.SQUASH,
            resampling=Resampling(processor.resample),
            mean=tuple(processor.image_mean),
            std=tuple(processor.image_std),
        )
