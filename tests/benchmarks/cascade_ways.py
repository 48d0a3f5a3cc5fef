"""Three ways to caption the same images with the same models: the original's, the usual one, and ours."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import torch
from open_clip import CLIP
from torch import Tensor, nn
from transformers import (
    BlipForConditionalGeneration,
    LogitsProcessor,
    LogitsProcessorList,
    MinNewTokensLengthLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TopKLogitsWarper,
    TopPLogitsWarper,
)
from transformers import PreTrainedTokenizerBase as Tokenizer

from common.settings import SamplingSettings
from workers.captions import Image
from workers.cascade.background import Background
from workers.cascade.blip.captioner import AnySampler, BlipCaptioner, text_config_value
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.inference import prepare_for_inference
from workers.cascade.pixels import Preprocessing
from workers.cascade.sampling.device_sampler import DeviceSampler, Draws
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.rules import lane_limits
from workers.cascade.sampling.samplers import Lanes

Tokens = Callable[[list[str]], Tensor]
Inputs = tuple[Preprocessing, Preprocessing, Preprocessing]  # of captioner, ranker and selector
FIRST_TOKEN = 2000
Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Models:
    """Plain models of transformers and open_clip, and the workload."""

    blip: BlipForConditionalGeneration
    ranker: CLIP
    selector: CLIP
    words: Tokenizer
    texts: Tokens
    preprocessing: Inputs
    sampling: SamplingSettings
    distinct: int = 10  # captions of an image

    @property
    def new_tokens(self) -> int:
        return max(self.sampling.max_tokens)

    @property
    def device(self) -> torch.device:
        return self.blip.device

    def prompt(self) -> Tensor:
        """[length]"""
        ids: Tensor = self.words(self.sampling.prompt, return_tensors="pt").input_ids[0, :-1]
        ids[0] = text_config_value(self.blip, "bos_token_id")
        return ids.to(self.device)

    def script(self, image: int, lane: int) -> list[int]:
        """What a lane writes in the fixed workload: different from the first token on."""
        first = FIRST_TOKEN + (image * self.distinct + lane % self.distinct) * self.new_tokens
        return list(range(first, first + self.new_tokens))

    def captions(self, image: int) -> list[str]:
        return [str(self.words.decode(self.script(image, lane))) for lane in range(self.distinct)]

    def pixels(self, which: int, images: Sequence[Image]) -> Tensor:
        own = self.preprocessing[which]
        return own.normalise([own.resize(image) for image in images], self.device, self.blip.dtype)


def twin(model: Model) -> Model:
    """Another structure over the same weights."""
    return deepcopy(model, {id(weight): weight for weight in model.parameters()})


class Scripted(BlipCaptioner):
    """Ours, with all its work; only the drawn tokens are replaced by the workload's."""

    def __init__(self, models: Models) -> None:
        super().__init__(twin(models.blip), models.words, models.preprocessing[0], models.sampling)
        self.models = models

    def sample(
        self, images: Sequence[Image], keys: Sequence[int], background: Background | None = None
    ) -> list[list[str]]:
        found = self._caption(images, self.limits(), self.sampler(keys), background)
        texts = [text or "" for text in found]
        lanes = self.models.sampling.lanes
        return [texts[first : first + lanes] for first in range(0, len(texts), lanes)]

    def decode(self, features: Tensor) -> list[list[int]]:
        return self.generate(features, self.limits(), self.sampler(range(len(features))))

    def limits(self) -> list[int]:
        return lane_limits(self.models.sampling.lanes, self.models.sampling.max_tokens)

    def _read(self, is_finite: Tensor) -> list[bool]:
        return [True] * len(is_finite) if is_finite.is_meta else super()._read(is_finite)

    def plan(self, images: int) -> Numbers:
        """What each lane of all images draws at each step, [lanes of all images, steps]."""
        lanes = range(self.models.sampling.lanes)
        return np.array([self.models.script(image, lane) for image in range(images) for lane in lanes])

    def sampler(self, keys: Sequence[int]) -> AnySampler:
        draw, script = super().sampler(keys), self.plan(len(keys))
        if isinstance(draw, DeviceSampler):
            return ScriptedDraws(draw, script)

        def sampler(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
            draw(logits, tokens, step, lanes)
            written: Numbers = script[lanes.numbers, step]
            return written

        return sampler


class ScriptedDraws(DeviceSampler):
    """Draws as the device does, and says what the script says."""

    def __init__(self, source: DeviceSampler, script: Numbers) -> None:
        self.keys, self._source, self._script = source.keys, source, script

    def __call__(self, draws: Draws, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        if not draws.logits.is_meta:
            self._source(draws, tokens, step, lanes)
        written: Numbers = self._script[lanes.numbers, step]
        return written


def ours(models: Models) -> Cascade:
    ranker, selector = (
        Clip(model, models.texts, preprocessing, models.blip.dtype)
        for model, preprocessing in zip(
            (ready(models.ranker), ready(models.selector)), models.preprocessing[1:], strict=True
        )
    )
    return Cascade(Scripted(models), ranker, selector, models.sampling, str(models.blip.dtype))


def ready(model: CLIP) -> CLIP:
    """As the loader makes it."""
    model = twin(model)
    prepare_for_inference(model, next(model.parameters()).dtype)
    return model


def usual_decode(models: Models, features: Tensor) -> Tensor:
    """`generate(num_return_sequences=40)` from the vision features [images, patches, width]."""
    sampling = models.sampling
    tokens: Tensor = cast("Any", models.blip.text_decoder).generate(
        models.prompt().expand(len(features), -1),
        encoder_hidden_states=features,
        do_sample=True,
        num_return_sequences=sampling.lanes,
        min_new_tokens=sampling.min_tokens,
        max_new_tokens=models.new_tokens,
        top_k=sampling.top_k,
        top_p=sampling.top_p,
        temperature=sampling.temperature,
        repetition_penalty=sampling.repetition_penalty,
        eos_token_id=text_config_value(models.blip, "sep_token_id"),
        pad_token_id=text_config_value(models.blip, "pad_token_id"),
    )
    return tokens


def usual(models: Models, images: Sequence[Image], batch: int) -> list[str]:
    """The best caption of each image, `batch` images at a time, every step batched as its library does."""
    best: list[str] = []
    for first in range(0, len(images), batch):
        some = images[first : first + batch]
        features = models.blip.vision_model(pixel_values=models.pixels(0, some)).last_hidden_state
        tokens = usual_decode(models, features)
        models.words.batch_decode(tokens, skip_special_tokens=True)
        captions = [models.captions(first + image) for image in range(len(some))]
        shortlists = usual_ranking(models, 1, some, captions)
        best += [found[0] for found in usual_ranking(models, 2, some, shortlists)]
    return best


def usual_ranking(
    models: Models, which: int, images: Sequence[Image], captions: Sequence[Sequence[str]]
) -> list[list[str]]:
    """The captions of each image that the next step sees, best first."""
    model = (models.ranker, models.selector)[which - 1]
    features = model.encode_image(models.pixels(which, images), normalize=True)
    texts = [text for own in captions for text in own]
    encoded = model.encode_text(models.texts(texts).to(models.device), normalize=True)
    pairs = zip(features.float(), encoded.float().split([len(own) for own in captions]), strict=True)
    orders = [(own @ image).argsort(descending=True).tolist() for image, own in pairs]
    return [
        [own[place] for place in order[: models.sampling.shortlist]]
        for own, order in zip(captions, orders, strict=True)
    ]


def original_decode(models: Models, features: Tensor) -> Tensor:
    """Without a cache: at every step all tokens so far, and the image's features again for each lane."""
    sampling, prompt = models.sampling, models.prompt()
    end = text_config_value(models.blip, "sep_token_id")
    processors: list[LogitsProcessor] = [
        MinNewTokensLengthLogitsProcessor(len(prompt), sampling.min_tokens, end, device=str(models.device)),
        RepetitionPenaltyLogitsProcessor(float(sampling.repetition_penalty)),
        TopKLogitsWarper(sampling.top_k),
        TopPLogitsWarper(sampling.top_p),
    ]
    shape = LogitsProcessorList(processors)
    repeated = features.repeat_interleave(sampling.lanes, 0)
    tokens = prompt.expand(len(repeated), -1)
    for _ in range(models.new_tokens):
        logits = models.blip.text_decoder(
            input_ids=tokens, encoder_hidden_states=repeated, use_cache=False
        ).logits[:, -1]
        drawn = shape(tokens, logits.float()).softmax(-1).multinomial(1)  # type: ignore[arg-type]
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens


def original(models: Models, images: Sequence[Image]) -> list[str]:
    """One image at a time and one text at a time."""
    best: list[str] = []
    for number, image in enumerate(images):
        features = models.blip.vision_model(pixel_values=models.pixels(0, [image])).last_hidden_state
        original_decode(models, features)
        captions = models.captions(number)
        for which, model in ((1, models.ranker), (2, models.selector)):
            seen = model.encode_image(models.pixels(which, [image]), normalize=True)
            one_by_one = [
                model.encode_text(models.texts([text]).to(models.device), normalize=True) for text in captions
            ]
            order = (seen @ torch.cat(one_by_one).T)[0].argsort(descending=True).tolist()
            captions = [captions[place] for place in order[: models.sampling.shortlist]]
        best.append(captions[0])
    return best
