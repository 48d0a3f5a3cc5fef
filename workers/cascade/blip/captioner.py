"""BLIP, the captioner: weights and vision tower of transformers, our own generation loop.

Source: Li et al. 2022, "BLIP: Bootstrapping language-image pre-training for unified vision-language
understanding and generation".
"""

from collections.abc import Generator, Sequence
from functools import partial
from typing import cast

import numpy as np
import torch
from torch import Tensor
from transformers import BlipForConditionalGeneration
from transformers import PreTrainedTokenizerBase as Tokenizer

from common.settings import SamplingSettings
from workers.captions import Image
from workers.cascade.ahead import Ahead
from workers.cascade.background import Background, TowerWork, keep_result, run_through
from workers.cascade.blip.incremental_decoder import BlipDecoder
from workers.cascade.blip.text_decoder import TextDecoder
from workers.cascade.blip.vision_tower import encode_in_stages, fuse_attention
from workers.cascade.blip.workspace import Work, Workspace
from workers.cascade.float8 import use_float8
from workers.cascade.pixel_buffer import PixelBuffer
from workers.cascade.pixels import Preprocessing
from workers.cascade.sampling.device_sampler import DeviceSampler, Draws
from workers.cascade.sampling.generate import generate
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.partial_selection import is_selective
from workers.cascade.sampling.rules import lane_limits
from workers.cascade.sampling.samplers import NOT_FINITE, Sampler, greedy_sampler, random_sampler

BROKEN = (NOT_FINITE,)
"""New tokens of a lane whose logits were not finite."""

AnySampler = Sampler[Tensor] | DeviceSampler


def replace_broken(features: Tensor) -> tuple[Tensor, Tensor]:
    """Features [images, patches, width], those of an image with a NaN or an infinity zeros; which are whole.

    The decoder's cache would keep them for images of later passes: nothing times NaN is NaN.
    """
    is_finite = features.flatten(1).isfinite().all(1)
    return features.where(is_finite[:, None, None], 0), is_finite


def text_config_value(model: BlipForConditionalGeneration, name: str) -> int:
    """An integer of the text decoder's configuration."""
    return int(getattr(model.config.text_config, name))


def vision_config_value(model: BlipForConditionalGeneration, name: str) -> int:
    """An integer of the vision tower's configuration."""
    return int(getattr(model.config.vision_config, name))


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
        self.captures = model.device.type != "cpu"  # whether steps run at a few fixed sizes
        self.text = TextDecoder(model.text_decoder)
        self.vision = fuse_attention(model.vision_model)
        self._pixels = PixelBuffer(preprocessing, model.device, model.dtype)
        self._ahead = Ahead()
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._eos_id = text_config_value(model, "sep_token_id")
        self._prompt = self._encode_prompt(sampling.prompt, text_config_value(model, "bos_token_id"))
        (self._prompt_text,) = self._decode([()])
        positions = len(self._prompt) + max(sampling.max_tokens)
        self._workspace = Workspace(self.text, sampling, positions, self._eos_id)

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        """One caption per lane for each image resized by `preprocessing`, in the order of the lanes.

        An image whose features or logits are not finite has no captions.
        """
        limits = lane_limits(self._sampling.lanes, self._sampling.max_tokens)
        texts = self._caption(images, limits, self.sampler(keys), background)
        own = [texts[first : first + len(limits)] for first in range(0, len(texts), len(limits))]
        return [[text for text in lanes if text is not None] if None not in lanes else [] for lanes in own]

    def sampler(self, keys: Sequence[int]) -> AnySampler:
        """Draws within the decoder's step where that is captured: the host waits for tokens alone."""
        if not (self.captures and is_selective(self._sampling)):
            return random_sampler(keys, self._eos_id, self._sampling, self.device)
        return DeviceSampler(keys, self._eos_id, self._sampling, self.device)

    def decode_greedy(self, images: Sequence[Image]) -> list[str]:
        """The likeliest next token at every step, as `generate` of transformers by default."""
        texts = self._caption(images, [max(self._sampling.max_tokens)], greedy_sampler(self._eos_id))
        return [text or "" for text in texts]

    def release(self) -> None:
        """Free the workspace, and features that nobody has asked for; the next batch allocates its own."""
        self._workspace.release()
        self._ahead.clear()

    @torch.inference_mode()
    def encode_images(self, images: Sequence[Image]) -> Tensor:
        """Features of the vision tower, [images, patches, width]."""
        ahead = self._ahead.take(images)
        return run_through(self._encode(images)) if ahead is None else ahead

    def use_float8(self) -> bool:
        """Round the vision tower's products to 8 bits; whether it has any."""
        return use_float8(self.vision.encoder) > 0

    def look_ahead(self, images: Sequence[Image]) -> TowerWork:
        """Encode `images` layer by layer; `sample` of the same sequence finds the features."""
        return keep_result(self._encode(images), partial(self._ahead.keep, images))

    def _encode(self, images: Sequence[Image]) -> Generator[None, None, Tensor]:
        pixels = yield from self._pixels.load_in_stages(images)
        return (yield from encode_in_stages(self.vision, pixels))

    @torch.inference_mode()
    def generate(
        self,
        features: Tensor,
        limits: Sequence[int],
        sampler: AnySampler,
        background: Background | None = None,
    ) -> list[list[int]]:
        """New tokens of each image's lanes; `limits` [lanes] in new tokens."""
        every_limit = np.tile(np.array(limits), len(features))
        meanwhile = (background or Background()).advance
        decoder = self._new_decoder(features, sampler)
        read = cast("Sampler[Tensor | Draws]", sampler)  # each decoder hands out what its sampler reads
        return generate(decoder, self._prompt, every_limit, read, meanwhile=meanwhile)

    def _caption(
        self,
        images: Sequence[Image],
        limits: Sequence[int],
        sampler: AnySampler,
        background: Background | None = None,
    ) -> list[str | None]:
        """A text of each lane; None of an image whose features or logits are not finite."""
        features, is_finite = replace_broken(self.encode_images(images))
        lanes = [tuple(new) for new in self.generate(features, limits, sampler, background)]
        is_whole = np.repeat(self._read(is_finite), len(limits))
        if background is not None:
            background.finish()  # the device has work while the host makes texts
        if BROKEN in lanes:
            self._workspace.release()  # it holds values that must not reach another image
        texts = self._write_texts(lanes)
        return [texts.get(new) if whole else None for new, whole in zip(lanes, is_whole, strict=True)]

    def _write_texts(self, lanes: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], str]:
        """The text of each distinct lane; of a broken one none."""
        distinct = [new for new in dict.fromkeys(lanes) if new != BROKEN]
        return {
            new: text[len(self._prompt_text) :].strip()
            for new, text in zip(distinct, self._decode(distinct), strict=True)
        }

    def _read(self, is_finite: Tensor) -> list[bool]:
        """Waits for the device."""
        return list(is_finite.tolist())

    def _new_decoder(self, features: Tensor, sampler: AnySampler) -> BlipDecoder:
        work = self._choose_work(sampler)
        cache, step = self._workspace.fit(len(features), features.shape[1], work)
        if isinstance(sampler, DeviceSampler) and step.draws is not None:
            step.draws.begin(sampler.keys, self._prompt)
        grow = partial(self._workspace.grow, work)
        return BlipDecoder(self.text, cache, step, features, self._prompt, grow=grow)

    def _choose_work(self, sampler: AnySampler) -> Work:
        if isinstance(sampler, DeviceSampler):
            return Work.DRAWING
        return Work.CAPTURED if self.captures else Work.EXACT

    def _encode_prompt(self, prompt: str, bos_id: int) -> Numbers:
        """Begin token and prompt, [length]; without the tokenizer's end token, as in the original."""
        return np.array([bos_id, *self._tokenizer(prompt).input_ids[1:-1]])

    def _decode(self, lanes: Sequence[Sequence[int]]) -> list[str]:
        """Texts of the prompt, without its begin token, and each lane's new tokens."""
        rows = [[*self._prompt[1:].tolist(), *new] for new in lanes]
        return list(map(str, self._tokenizer.batch_decode(rows, skip_special_tokens=True)))
