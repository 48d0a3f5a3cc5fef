"""Optional last step: a text-to-text model rewrites the top captions, as the original repaired grammar."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from workers.cascade.model_folder import WEIGHTS, load_pretrained, load_transformers, require_file

_EXPECTED = "a text-to-text model as transformers saves it (config.json, model.safetensors, a tokenizer)"
LONGEST = 64  # tokens of a rewritten caption


class Repairer:
    """Any encoder-decoder model of transformers."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self._model = model
        self._tokenizer = tokenizer

    @torch.inference_mode()
    def rewrite(self, captions: Sequence[str]) -> list[str]:
        """Greedy rewriting of each caption; all captions in one batch."""
        inputs = self._tokenizer(list(captions), return_tensors="pt", padding=True, truncation=True)
        tokens = self._model.generate(
            input_ids=inputs.input_ids.to(self._model.device),
            attention_mask=inputs.attention_mask.to(self._model.device),
            do_sample=False,
            max_new_tokens=LONGEST,
        )
        return [str(text).strip() for text in self._tokenizer.batch_decode(tokens, skip_special_tokens=True)]


def load_repairer(folder: Path, device: torch.device, dtype: torch.dtype) -> Repairer:
    """Raises ModelFolderError unless the folder holds a text-to-text model."""
    require_file(folder, _EXPECTED, "config.json")
    require_file(folder, _EXPECTED, *WEIGHTS)
    model = load_transformers(AutoModelForSeq2SeqLM, folder, dtype, _EXPECTED)
    tokenizer = load_pretrained(AutoTokenizer, folder, _EXPECTED)
    return Repairer(model.train(False).to(device), tokenizer)
