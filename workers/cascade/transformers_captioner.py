"""Any image-to-text model of transformers as captioner, through its own `generate`: general, but slower."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from PIL import Image as PillowImage
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from common.settings import SamplingSettings
from workers.captions import Image, ModelFolderError
from workers.cascade.background import Background
from workers.cascade.model_folder import WEIGHTS, load_pretrained, load_transformers, require_file
from workers.cascade.sampling.rules import end_early, lane_limits
from workers.cascade.sampling.uniform import to_signed

_EXPECTED = "an image-to-text model as transformers saves it (config.json, model.safetensors, its processor)"
LARGEST: Final = 1024  # pixels of the longer side; the model's own processor resizes further
MOST: Final = 4096
"""The largest number in the settings of an image processor: sides are a few hundred pixels."""


@dataclass(frozen=True, slots=True)
class Downscaling:
    """Bounds the size of an image; the model's own processor does the rest."""

    def resize(self, image: Image) -> Image:
        """uint8 [height, width, 3] -> the same aspect ratio, at most LARGEST pixels a side."""
        pillow = PillowImage.fromarray(image)
        pillow.thumbnail((LARGEST, LARGEST), PillowImage.Resampling.BICUBIC)
        return np.asarray(pillow)


class TransformersCaptioner:
    """Captions by `generate`, one image at a time, so that its key alone determines them."""

    preprocessing = Downscaling()

    def __init__(self, model: Any, image_processor: Any, tokenizer: Any, sampling: SamplingSettings) -> None:
        self._model = model
        self._image_processor = image_processor
        self._tokenizer = tokenizer
        self._sampling = sampling

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        """One caption per lane for each image, in the order of the lanes."""
        del background
        return [self._sample_one(image, key) for image, key in zip(images, keys, strict=True)]

    def decode_greedy(self, images: Sequence[Image]) -> list[str]:
        return [self._decode(self._generate(image, do_sample=False).sequences)[0] for image in images]

    def release(self) -> None:
        """Nothing to free."""

    def _sample_one(self, image: Image, key: int) -> list[str]:
        sampling = self._sampling
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(to_signed(key ^ sampling.seed))
            output = self._generate(
                image,
                do_sample=True,
                num_return_sequences=sampling.lanes,
                top_k=sampling.top_k,
                top_p=sampling.top_p,
                temperature=sampling.temperature,
                repetition_penalty=sampling.repetition_penalty,
                min_new_tokens=sampling.min_tokens,
            )
        return self._decode(self._cut(output))

    @torch.inference_mode()
    def _generate(self, image: Image, **options: Any) -> Any:
        inputs = self._image_processor(images=PillowImage.fromarray(image), return_tensors="pt")
        return self._model.generate(
            pixel_values=inputs["pixel_values"].to(self._model.device, self._model.dtype),
            max_new_tokens=max(self._sampling.max_tokens),
            return_dict_in_generate=True,
            output_logits=True,
            **options,
        )

    def _cut(self, output: Any) -> list[Tensor]:
        """Cut each lane at its own limit, or at its early end."""
        ends = self._find_ends(output.logits)
        written = len(output.logits)
        return [
            row[: row.shape[0] - written + min(limit, end)]
            for row, limit, end in zip(output.sequences, self._limits(), ends, strict=True)
        ]

    def _find_ends(self, logits: Sequence[Tensor]) -> list[int]:
        """First step of each lane whose unprocessed end probability is too high, else the number of steps."""
        eos = self._model.generation_config.eos_token_id
        if eos is None:
            return [len(logits)] * self._sampling.lanes
        eos_id = eos[0] if isinstance(eos, list) else eos
        over = torch.stack(
            [end_early(step.float(), eos_id, self._sampling.end_probability) for step in logits]
        )
        last = torch.ones_like(over[:1])
        return torch.cat([over, last]).int().argmax(0).tolist()

    def _limits(self) -> list[int]:
        return lane_limits(self._sampling.lanes, self._sampling.max_tokens)

    def _decode(self, tokens: Sequence[Tensor]) -> list[str]:
        return [str(self._tokenizer.decode(row, skip_special_tokens=True)).strip() for row in tokens]


def load_transformers_captioner(
    folder: Path, sampling: SamplingSettings, device: torch.device, dtype: torch.dtype
) -> TransformersCaptioner:
    """Raises ModelFolderError unless the folder holds an image-to-text model."""
    for names in (
        ("config.json",),
        WEIGHTS,
        ("preprocessor_config.json", "processor_config.json"),
    ):
        require_file(folder, _EXPECTED, *names)
    model = load_transformers(AutoModelForImageTextToText, folder, dtype, _EXPECTED)
    image_processor = load_pretrained(AutoImageProcessor, folder, _EXPECTED)
    largest = max(_numbers(image_processor.to_dict()), default=0)
    if largest > MOST:
        reason = f"its image processor is to be given {largest:.0f}, more than {MOST}"
        raise ModelFolderError(folder, reason, _EXPECTED)
    tokenizer = load_pretrained(AutoTokenizer, folder, _EXPECTED)
    return TransformersCaptioner(model.train(False).to(device), image_processor, tokenizer, sampling)


def _numbers(settings: object) -> Iterator[float]:
    """The numbers in settings, however deep: some processors call a side `size`, some `shortest_edge`."""
    if isinstance(settings, Mapping):
        settings = list(settings.values())
    if isinstance(settings, list | tuple):
        for one in settings:
            yield from _numbers(one)
    elif isinstance(settings, int | float):
        yield abs(settings)
