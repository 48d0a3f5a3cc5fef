"""BLIP, the captioner: weights and vision tower of transformers, our own generation loop.

Source: Li et al. 2022, "BLIP: Bootstrapping language-image pre-training for unified vision-language
understanding and generation".
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import BlipForConditionalGeneration
from transformers import PreTrainedTokenizerBase as Tokenizer

from common.settings import SamplingSettings
from workers.captions import Image
from workers.cascade.blip.incremental_decoder import BlipDecoder
from workers.cascade.blip.steps import EagerStep, GraphStep, Step
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.blip.vision_tower import fuse_attention
from workers.cascade.pixels import Preprocessing
from workers.cascade.sampling.generate import generate
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.rules import lane_limits
from workers.cascade.sampling.samplers import NOT_FINITE, Sampler, greedy_sampler, random_sampler

BROKEN = (NOT_FINITE,)
"""New tokens of a lane whose logits were not finite."""


def replace_broken(features: Tensor) -> tuple[Tensor, list[bool]]:
    """Features [images, patches, width], those of an image with a NaN or an infinity zeros; which are whole.

    The decoder's cache would keep them for images of later passes: nothing times NaN is NaN.
    """
    is_finite = features.flatten(1).isfinite().all(1)
    return features.where(is_finite[:, None, None], 0), is_finite.tolist()


def text_config_value(model: BlipForConditionalGeneration, name: str) -> int:
    """An integer of the text decoder's configuration."""
    return int(getattr(model.config.text_config, name))


class BlipCaptioner:
    """Captions of images, sampled or greedy."""

    def __init__(
        self,
        model: BlipForConditionalGeneration,
        tokenizer: Tokenizer,
        preprocessing: Preprocessing,
        sampling: SamplingSettings,
    ) -> None:
        self.preprocessing = preprocessing
        self.device, self.dtype = model.device, model.dtype
        self.text = TextDecoder(model.text_decoder)
        self.vision = fuse_attention(model.vision_model)
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._eos_id = text_config_value(model, "sep_token_id")
        self._prompt = self._encode_prompt(sampling.prompt, text_config_value(model, "bos_token_id"))
        self._prompt_text = self._decode([])
        self._workspace: tuple[Cache, Step] | None = None

    def sample(self, images: Sequence[Image], keys: Sequence[int]) -> list[list[str]]:
        """One caption per lane for each image resized by `preprocessing`, in the order of the lanes.

        An image whose features or logits are not finite has no captions.
        """
        limits = lane_limits(self._sampling.lanes, self._sampling.max_tokens)
        texts = self._caption(images, limits, random_sampler(keys, self._eos_id, self._sampling, self.device))
        own = [texts[first : first + len(limits)] for first in range(0, len(texts), len(limits))]
        return [[text for text in lanes if text is not None] if None not in lanes else [] for lanes in own]

    def decode_greedy(self, images: Sequence[Image]) -> list[str]:
        """The likeliest next token at every step, as `generate` of transformers by default."""
        texts = self._caption(images, [max(self._sampling.max_tokens)], greedy_sampler(self._eos_id))
        return [text or "" for text in texts]

    def release(self) -> None:
        """Free the workspace; the next batch allocates its own."""
        self._workspace = None

    @torch.inference_mode()
    def encode_images(self, images: Sequence[Image]) -> Tensor:
        """Features of the vision tower, [images, patches, width]."""
        pixels = self.preprocessing.normalise(images, self.device, self.dtype)
        features: Tensor = self.vision(pixel_values=pixels).last_hidden_state
        return features

    @torch.inference_mode()
    def generate(self, features: Tensor, limits: Sequence[int], sampler: Sampler) -> list[list[int]]:
        """New tokens of each image's lanes; `limits` [lanes] in new tokens."""
        every_limit = np.tile(np.array(limits), len(features))
        return generate(self._new_decoder(features), self._prompt, every_limit, sampler)

    def _caption(self, images: Sequence[Image], limits: Sequence[int], sampler: Sampler) -> list[str | None]:
        """A text of each lane; None of an image whose features or logits are not finite."""
        features, is_finite = replace_broken(self.encode_images(images))
        lanes = [tuple(new) for new in self.generate(features, limits, sampler)]
        if BROKEN in lanes:
            self.release()  # the cache holds what must not reach another image
        texts = {
            new: self._decode(new)[len(self._prompt_text) :].strip() for new in set(lanes) if new != BROKEN
        }
        is_whole = np.repeat(is_finite, len(limits))
        return [texts.get(new) if whole else None for new, whole in zip(lanes, is_whole, strict=True)]

    def _new_decoder(self, features: Tensor) -> BlipDecoder:
        images, patches, _ = features.shape
        if self._workspace is None or self._workspace[0].cross_kv.shape[2] < images:
            self._workspace = None  # free the memory before allocating more
            self._workspace = self._new_workspace(images, patches)
        return BlipDecoder(self.text, *self._workspace, features, self._prompt)

    def _new_workspace(self, images: int, patches: int) -> tuple[Cache, Step]:
        lanes = self._sampling.lanes
        positions = len(self._prompt) + max(self._sampling.max_tokens)
        cache = self.text.new_cache(images, patches, images * lanes, positions)
        if self.device.type == "cuda":
            return cache, GraphStep(self.text, cache, lanes)
        return cache, EagerStep(self.text, cache)

    def _encode_prompt(self, prompt: str, bos_id: int) -> Numbers:
        """Begin token and prompt, [length]; without the tokenizer's end token, as in the original."""
        return np.array([bos_id, *self._tokenizer(prompt).input_ids[1:-1]])

    def _decode(self, new: Sequence[int]) -> str:
        """Text of the prompt, without its begin token, and the new tokens."""
        text = self._tokenizer.decode([*self._prompt[1:].tolist(), *new], skip_special_tokens=True)
        return str(text)
