"""The toy models on any device, and images for them."""

from itertools import islice

import numpy as np

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from workers.captions import ModelInputs
from workers.cascade.assemble import load_cascade
from workers.cascade.cascade import Cascade
from workers.models.resolve import resolve_model
from workers.toy.drawing import UNSEEN, draw_scenes
from workers.toy.quality import SIDES

PRESET = PRESETS["toy"]


def toy_cascade(device: str, dtype: str = "float32", *, lanes: int = 40) -> Cascade:
    captioner, ranker, selector = map(resolve_model, (PRESET.captioner, PRESET.ranker, PRESET.selector))
    sampling = SamplingSettings(**{**PRESET.sampling, "lanes": lanes})
    return load_cascade(captioner, ranker, selector, sampling, device, dtype=dtype)


def toy_inputs(cascade: Cascade, count: int) -> list[ModelInputs]:
    drawn = islice(draw_scenes(UNSEEN, 6, SIDES), count)
    return [cascade.prepare(np.asarray(image)) for _, image in drawn]
