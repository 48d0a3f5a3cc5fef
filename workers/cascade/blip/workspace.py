"""Memory of the decoder that is kept between passes: places for images, places for nodes by need."""

from enum import StrEnum
from typing import Final

from common.settings import SamplingSettings
from workers.cascade.blip.steps import EagerStep, GraphStep, Step
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.sampling.device_sampler import DrawState, enlarge

NODES_PER_IMAGE: Final = 9
"""Places at first: 40 lanes share so many prefixes that an image has 8.3 nodes at its widest, in the mean."""

_ROUNDED: Final = 32


class Work(StrEnum):
    """What a step hands out, and how it runs."""

    EXACT = "exact"  # logits, at the exact number of nodes
    CAPTURED = "captured"  # logits, at fixed sizes
    DRAWING = "drawing"  # tokens, at fixed sizes


class Workspace:
    """A cache and the steps that work in it."""

    def __init__(self, text: TextDecoder, sampling: SamplingSettings, positions: int, eos_id: int) -> None:
        """`positions`: tokens of the longest text, prompt included."""
        self._text, self._sampling, self._positions, self._eos_id = text, sampling, positions, eos_id
        self._cache: Cache | None = None
        self._steps: dict[Work, Step] = {}

    def fit(self, images: int, patches: int, work: Work) -> tuple[Cache, Step]:
        """Room for `images` of `patches` features."""
        if self._cache is None or self._cache.cross_kv.shape[2] < images:
            self.release()  # before more is allocated
            nodes = self._bound(images, NODES_PER_IMAGE * images)
            self._cache = self._text.new_cache(images, patches, nodes, self._positions)
        if work not in self._steps:
            self._steps[work] = self._new_step(self._cache, work)
        return self._cache, self._steps[work]

    def grow(self, work: Work, cache: Cache, nodes: int) -> tuple[Cache, Step]:
        """Room for `nodes`, and some more; what `cache` holds stays, and steps are captured anew."""
        images, before = cache.cross_kv.shape[2], cache.self_kv.shape[2]
        after = self._bound(images, max(nodes, before * 5 // 4))
        state = self._steps[work].draws
        if state is not None:
            state.grow(after)
        self._steps.clear()
        self._cache = cache = Cache(cache.cross_kv, enlarge(cache.self_kv, 2, after))
        self._steps[work] = step = self._new_step(cache, work, state)
        return cache, step

    def release(self) -> None:
        """Free all of it."""
        self._cache = None
        self._steps.clear()

    def _bound(self, images: int, nodes: int) -> int:
        return min(images * self._sampling.lanes, -(-nodes // _ROUNDED) * _ROUNDED)

    def _new_step(self, cache: Cache, work: Work, state: DrawState | None = None) -> Step:
        if work is Work.EXACT:
            return EagerStep(self._text, cache)
        images, nodes, device = cache.cross_kv.shape[2], cache.self_kv.shape[2], cache.self_kv.device
        if work is Work.DRAWING and state is None:
            state = DrawState(images, nodes, self._positions, self._sampling, device)
        return GraphStep(self._text, cache, self._sampling.lanes, state, self._eos_id)
