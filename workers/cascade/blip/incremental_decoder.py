"""BLIP's text decoder over one batch of images: the `Decoder` of the generation loop."""

import numpy as np
from torch import Tensor

from workers.cascade.blip.steps import Step, prefill
from workers.cascade.blip.text_decoder import Cache, TextDecoder
from workers.cascade.device import to_device
from workers.cascade.sampling.nodes import Numbers


class BlipDecoder:
    """Keeps the self-attention cache of all nodes in order while they split and end."""

    def __init__(
        self, text: TextDecoder, cache: Cache, step: Step, features: Tensor, prompt: Numbers
    ) -> None:
        """Fill the cache from `features` [images, patches, width] and the `prompt` [length]."""
        text.fill_cross_cache(features, cache)
        self.logits = prefill(text, cache, len(features), prompt)
        self._self_kv, self._step = cache.self_kv, step
        self._length = len(prompt)  # tokens of every node
        self._images = np.arange(len(features))  # image of each node

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor:
        self._reorder(parents)
        self._images = self._images[parents]
        logits = self._step(tokens, self._images, self._length)
        self._length += 1
        return logits

    def _reorder(self, parents: Numbers) -> None:
        """Copy the parents' cache rows to their children; leading rows that stay in place are skipped."""
        moved = np.flatnonzero(parents != np.arange(len(parents)))
        if len(moved):
            rows = slice(int(moved[0]), len(parents))
            source = to_device(parents[rows], self._self_kv.device)
            self._self_kv[:, :, rows, : self._length] = self._self_kv[:, :, source, : self._length]
