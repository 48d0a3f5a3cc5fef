"""Ours and the usual pipeline on the truthful workload, each at its best and on the same lengths."""

from dataclasses import dataclass

import torch
from open_clip import SimpleTokenizer
from transformers import BlipForConditionalGeneration

from common.settings import SamplingSettings
from tests.benchmarks import cascade_models as full
from tests.benchmarks import cascade_ways as ways
from tests.benchmarks import truthful
from tests.benchmarks.cascade_ways import Inputs, Models
from workers.cascade.cascade import Cascade
from workers.cascade.clip.clip import Clip
from workers.cascade.clip.word_tokenizer import WordTokenizer

SAMPLING = SamplingSettings()
_PRECISIONS = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


@dataclass(frozen=True)
class TruthfulModels(Models):
    """Captions as the workload writes them, for the usual pipeline too."""

    def captions(self, image: int) -> list[str]:
        return truthful.captions(self.distinct, seed=image)


def build(blip: BlipForConditionalGeneration, preprocessing: Inputs) -> TruthfulModels:
    """The captioner `blip`, and rankers as the loader makes them, without products with zeros."""
    precision, device = _PRECISIONS[blip.dtype], str(blip.device)
    ranker, selector = (full.clip(name, precision, device) for name in ("ViT-L-14", "RN50x64"))
    truthful.wake_residuals(selector)
    words, texts = truthful.word_tokenizer(), SimpleTokenizer()
    return TruthfulModels(blip, ranker, selector, words, texts, preprocessing, SAMPLING)


def ours(models: TruthfulModels) -> Cascade:
    """What the project makes of `models`."""
    tokens, dtype = WordTokenizer(SimpleTokenizer()), models.blip.dtype
    ranker, selector = (
        Clip(ways.ready(model), tokens, own, dtype)
        for model, own in zip((models.ranker, models.selector), models.preprocessing[1:], strict=True)
    )
    return Cascade(truthful.Truthful(models), ranker, selector, models.sampling, str(dtype))
