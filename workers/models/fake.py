"""A cascade without models, for fleet tests: a worker starts in a second."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType

from common.settings import SamplingSettings
from workers.captions import Captions, Image, ModelInputs

CANDIDATES = 8


class FakeCascade:
    """Invents captions from each row's key, deterministically."""

    dtype = "none"
    dtypes: Mapping[str, str] = MappingProxyType({})

    def __init__(self, sampling: SamplingSettings) -> None:
        self._shortlist = sampling.shortlist

    def prepare(self, image: Image) -> ModelInputs:
        return ModelInputs(image, image, image)

    def announce(self, inputs: Sequence[ModelInputs]) -> AbstractContextManager[None]:
        del inputs
        return nullcontext()

    def caption(self, inputs: Sequence[ModelInputs], keys: Sequence[int]) -> list[Captions]:
        return [self._captions(key) for _, key in zip(inputs, keys, strict=True)]

    def _captions(self, key: int) -> Captions:
        candidates = tuple(f"caption {number} of {key}" for number in range(CANDIDATES))
        scores = tuple(1.0 - number / CANDIDATES for number in range(CANDIDATES))
        kept = slice(self._shortlist)
        return Captions(candidates, scores, candidates[kept], scores[kept], candidates[0])
