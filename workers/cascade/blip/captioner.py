"""BLIP, the captioner: weights and vision tower of transformers, decoded by our own loop.

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
from workers.cascade.blip.steps import ExactSteps, FixedSteps, Steps, read_prompt
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.blip.vision_tower import with_fused_attention
from workers.cascade.pixels import Preprocessing
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.rules import lane_limits
from workers.cascade.sampling.sampler import Chooser, greedy, sampled, write
from workers.cascade.transfer import to_device


def text_setting(model: BlipForConditionalGeneration, name: str) -> int:
    """A number of the text decoder's configuration."""
    return int(getattr(model.config.text_config, name))


class BlipDecoder:
    """The text decoder on its way through one batch of images."""

    def __init__(
        self, text: TextDecoder, cache: Cache, steps: Steps, features: Tensor, prompt: Numbers
    ) -> None:
        """Read the images' `features` [images, patches, width] and, once for each, the `prompt` [length]."""
        text.read_images(features, cache)
        self.logits = read_prompt(text, cache, len(features), prompt)
        self._own, self._steps = cache.own, steps
        self._length = len(prompt)  # what every node holds
        self._images = np.arange(len(features))  # each node's

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor:
        self._move(parents)
        self._images = self._images[parents]
        logits = self._steps(tokens, self._images, self._length)
        self._length += 1
        return logits

    def _move(self, parents: Numbers) -> None:
        """Copy what the parents hold to their children's rows; the first rows often stay where they are."""
        moved = np.flatnonzero(parents != np.arange(len(parents)))
        if len(moved):
            rows = slice(int(moved[0]), len(parents))
            source = to_device(parents[rows], self._own.device)
            self._own[:, :, rows, : self._length] = self._own[:, :, source, : self._length]


class BlipCaptioner:
    """Captions of pictures, sampled or greedy."""

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
        self.vision = with_fused_attention(model.vision_model)
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._end = text_setting(model, "sep_token_id")
        self._prompt = self._prompt_tokens(sampling.prompt, text_setting(model, "bos_token_id"))
        self._prompt_text = self._decoded([])
        self._room: tuple[Cache, Steps] | None = None

    def sample(self, images: Sequence[Image], keys: Sequence[int]) -> list[list[str]]:
        """One caption a lane for each image resized by `preprocessing`, in the order of the lanes."""
        limits = lane_limits(self._sampling.lanes, self._sampling.max_tokens)
        texts = self._captions(images, limits, sampled(keys, self._end, self._sampling, self.device))
        return [texts[first : first + len(limits)] for first in range(0, len(texts), len(limits))]

    def greedy(self, images: Sequence[Image]) -> list[str]:
        """The likeliest next token at every step, as `generate` without settings takes it."""
        return self._captions(images, [max(self._sampling.max_tokens)], greedy(self._end))

    def release(self) -> None:
        """Give back the cache; the next batch asks for its own."""
        self._room = None

    @torch.inference_mode()
    def features(self, images: Sequence[Image]) -> Tensor:
        """What the vision tower says of each image, [images, patches, width]."""
        pixels = self.preprocessing.normalise(images, self.device, self.dtype)
        features: Tensor = self.vision(pixel_values=pixels).last_hidden_state
        return features

    @torch.inference_mode()
    def write(self, features: Tensor, limits: Sequence[int], choose: Chooser) -> list[list[int]]:
        """New tokens of each image's lanes, of which `limits` says the longest text."""
        every_limit = np.tile(np.array(limits), len(features))
        return write(self._decoder(features), self._prompt, every_limit, choose)

    def _captions(self, images: Sequence[Image], limits: Sequence[int], choose: Chooser) -> list[str]:
        written = [tuple(new) for new in self.write(self.features(images), limits, choose)]
        texts = {new: self._decoded(new)[len(self._prompt_text) :].strip() for new in set(written)}
        return [texts[new] for new in written]

    def _decoder(self, features: Tensor) -> BlipDecoder:
        images, patches, _ = features.shape
        if self._room is None or self._room[0].cross.shape[2] < images:
            self._room = None  # give the memory back before asking for more
            self._room = self._new_room(images, patches)
        return BlipDecoder(self.text, *self._room, features, self._prompt)

    def _new_room(self, images: int, patches: int) -> tuple[Cache, Steps]:
        lanes = self._sampling.lanes
        positions = len(self._prompt) + max(self._sampling.max_tokens)
        cache = self.text.new_cache(images, patches, images * lanes, positions)
        if self.device.type == "cuda":
            return cache, FixedSteps(self.text, cache, lanes)
        return cache, ExactSteps(self.text, cache)

    def _prompt_tokens(self, prompt: str, begin: int) -> Numbers:
        """Begin token and prompt, [length]; the tokenizer's own end token is cut off, as the original did."""
        return np.array([begin, *self._tokenizer(prompt).input_ids[1:-1]])

    def _decoded(self, new: Sequence[int]) -> str:
        """Text of the prompt, without its begin token, and the new tokens."""
        text = self._tokenizer.decode([*self._prompt[1:].tolist(), *new], skip_special_tokens=True)
        return str(text)
