"""BLIP, the captioner: weights and vision tower of transformers, decoded by our own loop.

Source: Li et al. 2022, "BLIP: Bootstrapping language-image pre-training for unified vision-language
understanding and generation".
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import BlipForConditionalGeneration, DynamicCache, EncoderDecoderCache
from transformers import PreTrainedTokenizerBase as Tokenizer
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel

from common.settings import SamplingSettings
from workers.captions import Image
from workers.cascade.pixels import Preprocessing
from workers.cascade.rules import lane_limits
from workers.cascade.sampler import Chooser, greedy, key_tensor, sampled, write


def text_setting(model: BlipForConditionalGeneration, name: str) -> int:
    """A number of the text decoder's configuration."""
    return int(getattr(model.config.text_config, name))


class BlipDecoder:
    """The text decoder with its key/value cache; every image's keys and values are repeated for its lanes."""

    def __init__(self, text: BlipTextLMHeadModel, features: Tensor, prompt: Tensor, lanes: int) -> None:
        """Read `prompt` [length] once per image of `features` [images, patches, width]."""
        self._text = text
        self._features = features
        self._cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        logits = self._forward(prompt.expand(len(features), -1))
        self._cache.batch_repeat_interleave(lanes)
        self.logits = logits.repeat_interleave(lanes, 0)  # [images * lanes, vocabulary]

    def step(self, tokens: Tensor, rows: Tensor) -> Tensor:
        self._cache.batch_select_indices(rows)
        return self._forward(tokens[:, None])

    def _forward(self, tokens: Tensor) -> Tensor:
        output = self._text(
            input_ids=tokens,
            encoder_hidden_states=self._features,  # after the first call the cache has their keys and values
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits[:, -1].float()
        return logits


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
        self._model = model
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._end = text_setting(model, "sep_token_id")
        self._prompt = self._prompt_tokens(sampling.prompt).to(model.device)
        self._prompt_text = self._decoded([])

    def sample(self, images: Sequence[Image], keys: Sequence[int]) -> list[list[str]]:
        """One caption a lane for each image resized by `preprocessing`, in the order of the lanes."""
        choose = sampled(key_tensor(list(keys), self._model.device), self._end, self._sampling)
        limits = lane_limits(self._sampling.lanes, self._sampling.max_tokens)
        texts = self._captions(images, limits, choose)
        return [texts[first : first + len(limits)] for first in range(0, len(texts), len(limits))]

    def greedy(self, images: Sequence[Image]) -> list[str]:
        """The likeliest next token at every step, as `generate` without settings takes it."""
        return self._captions(images, [max(self._sampling.max_tokens)], greedy(self._end))

    @torch.inference_mode()
    def _captions(self, images: Sequence[Image], limits: list[int], choose: Chooser) -> list[str]:
        decoder = BlipDecoder(self._model.text_decoder, self._features(images), self._prompt, len(limits))
        every_limit = torch.tensor(limits, device=self._model.device).repeat(len(images))
        tokens = write(decoder, decoder.logits, self._prompt, every_limit, choose)
        return [self._decoded(new)[len(self._prompt_text) :].strip() for new in tokens]

    def _features(self, images: Sequence[Image]) -> Tensor:
        pixels = self.preprocessing.normalise(images, self._model.device, self._model.dtype)
        features: Tensor = self._model.vision_model(pixel_values=pixels).last_hidden_state
        return features  # [images, patches, width]

    def _prompt_tokens(self, prompt: str) -> Tensor:
        """Begin token and prompt, [length]; the tokenizer's own end token is cut off, as the original did."""
        ids: Tensor = self._tokenizer(prompt, return_tensors="pt").input_ids[0, :-1]
        ids[0] = text_setting(self._model, "bos_token_id")
        return ids

    def _decoded(self, new: list[int]) -> str:
        """Text of the prompt, without its begin token, and the new tokens."""
        text = self._tokenizer.decode([*self._prompt[1:].tolist(), *new], skip_special_tokens=True)
        return str(text)
