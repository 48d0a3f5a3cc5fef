"""The cascade of toy models that the tests of passes share: loading it takes seconds."""

from functools import cache

from common.settings import SamplingSettings
from common.settings.presets import PRESETS
from workers.cascade.assemble import load_cascade
from workers.cascade.cascade import Cascade
from workers.models.resolve import resolve_model

PRESET = PRESETS["toy"]
SAMPLING = SamplingSettings(**{**PRESET.sampling, "lanes": 8})


@cache
def toy_cascade() -> Cascade:
    captioner, ranker, selector = map(resolve_model, (PRESET.captioner, PRESET.ranker, PRESET.selector))
    return load_cascade(captioner, ranker, selector, SAMPLING, "cpu")
