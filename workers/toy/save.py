"""The toy models as folders for the real loading code: 16-bit safetensors and JSON."""

import json
from pathlib import Path
from typing import Any

import torch
from open_clip import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertTokenizer, BlipForConditionalGeneration, BlipImageProcessor

from workers.toy.architectures import CONTEXT_LENGTH, IMAGE_SIDE, tokenizer


def clip_tokens(tokens: BertTokenizer, sentences: list[str]) -> Tensor:
    """Token ids [sentences, CONTEXT_LENGTH], as open_clip's wrapper of the same tokenizer gives them."""
    encoded = tokens(
        sentences, padding="max_length", truncation=True, max_length=CONTEXT_LENGTH, return_tensors="pt"
    )
    ids: Tensor = encoded.input_ids
    return ids


def save_captioner(model: BlipForConditionalGeneration, folder: Path) -> None:
    nn.Module.to(model, torch.float16)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    BlipImageProcessor(size={"height": IMAGE_SIDE, "width": IMAGE_SIDE}).save_pretrained(folder)


def save_clip(model: CLIP, config: dict[str, Any], folder: Path) -> None:
    """The layout of open_clip's own hub repositories."""
    tokenizer().save_pretrained(folder)
    preprocess = {
        "mean": OPENAI_DATASET_MEAN,
        "std": OPENAI_DATASET_STD,
        "interpolation": "bicubic",
        "resize_mode": "squash",  # a crop could cut off an object of the sentence
    }
    content = {"model_cfg": config, "preprocess_cfg": preprocess}
    (folder / "open_clip_config.json").write_text(json.dumps(content, indent=2) + "\n")
    weights = {name: _half(tensor) for name, tensor in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors", metadata={"format": "pt"})


def _half(tensor: Tensor) -> Tensor:
    return tensor.to(torch.float16).contiguous() if tensor.is_floating_point() else tensor
