"""BLIP's text decoder over one batch of images: the `Decoder` of the generation loop."""

from collections.abc import Callable

import numpy as np
from torch import Tensor

from workers.cascade.blip.steps import Step, prefill
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.device import to_device
from workers.cascade.sampling.device_sampler import Draws
from workers.cascade.sampling.nodes import Numbers

Grow = Callable[[Cache, int], tuple[Cache, Step]]  # -> what the cache holds, with room for so many nodes


class BlipDecoder:
    """Keeps the caches of all nodes and images in place while nodes split and images end."""

    def __init__(
        self,
        text: TextDecoder,
        cache: Cache,
        step: Step,
        features: Tensor,
        prompt: Numbers,
        *,
        grow: Grow | None = None,
    ) -> None:
        """Fill the cache from `features` [images, patches, width] and the `prompt` [length]."""
        text.fill_cross_cache(features, cache)
        logits = prefill(text, cache, len(features), prompt)
        self.logits: Tensor | Draws = step.start(logits, len(prompt) - 1)
        self._cache, self._step, self._grow = cache, step, grow
        self._length = len(prompt)  # tokens of every node
        self._images = np.arange(len(features))  # place of each node's image

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor | Draws:
        if self._grow is not None and len(tokens) > self._cache.self_kv.shape[2]:
            self._cache, self._step = self._grow(self._cache, len(tokens))
        self._move_nodes(parents)
        self._images = self._images[parents]
        self._close_ranks()
        result = self._step(tokens, self._images, self._length)
        self._length += 1
        return result

    def _move_nodes(self, parents: Numbers) -> None:
        """Copy the parents' rows to those children that are elsewhere."""
        targets = np.flatnonzero(parents != np.arange(len(parents)))
        if len(targets):
            places = to_device(np.stack([parents[targets], targets]), self._cache.self_kv.device)
            self._cache.move_nodes(places[0], places[1], self._length)
            if self._step.draws is not None:
                self._step.draws.move_nodes(places[0], places[1])

    def _close_ranks(self) -> None:
        """Move living images to the front, where fewer can be attended to."""
        living = np.flatnonzero(np.bincount(self._images))
        size = next(size for size in self._step.image_sizes if size >= len(living))
        sources = living[living >= size]
        if len(sources) == 0:
            return
        targets = np.setdiff1d(np.arange(size), living)[: len(sources)]
        self._cache.move_images(sources.tolist(), targets.tolist())
        if self._step.draws is not None:
            self._step.draws.move_images(sources.tolist(), targets.tolist())
        renamed = np.arange(living[-1] + 1)
        renamed[sources] = targets
        self._images = renamed[self._images]
