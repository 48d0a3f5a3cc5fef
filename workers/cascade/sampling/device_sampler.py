"""Random draws within the decoder's own step: the host gets tokens instead of logits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.device import to_device
from workers.cascade.sampling.nodes import Numbers
from workers.cascade.sampling.partial_selection import UNSURE, Rows, draw_among_few
from workers.cascade.sampling.samplers import Lanes, image_uniforms, random_sampler


@dataclass(frozen=True, slots=True)
class Draws:
    """Draws of one step, on their way to the host."""

    logits: Tensor  # [nodes, vocabulary], for rows whose draws are unsure
    read: Callable[[], Numbers]  # waits for the draws: [nodes, lanes of an image]

    def __len__(self) -> int:
        return len(self.logits)


class DrawState:
    """What draws depend on, where a captured step finds it: the nodes' tokens, the images' random numbers.

    Every lane of an image is a column of each of its nodes, so a draw is a function of (key, lane, step).
    """

    def __init__(
        self, images: int, nodes: int, positions: int, sampling: SamplingSettings, device: torch.device
    ) -> None:
        self.sampling = sampling
        self._tokens = torch.zeros(nodes, positions, dtype=torch.int64, device=device)
        steps = max(sampling.max_tokens)
        self._uniforms = torch.ones(images, steps, sampling.lanes, dtype=torch.float64, device=device)
        self._prompt_length = 0

    def begin(self, keys: Sequence[int], prompt: Numbers) -> None:
        """A node for each image, which holds the prompt [length]; `keys` seed the images' random numbers."""
        device = self._tokens.device
        self._prompt_length = len(prompt)
        self._tokens.fill_(int(prompt[0]))  # repeated, a token changes no rule
        self._tokens[: len(keys), : len(prompt)] = to_device(prompt, device)
        self._uniforms[: len(keys)] = image_uniforms(keys, self.sampling, device)

    def draw(self, logits: Tensor, images: Tensor, position: Tensor, eos_id: int) -> Tensor:
        """Int64 [nodes, lanes of an image]; `images` [nodes], `position` [1] of the newest token."""
        written = position + 1 - self._prompt_length
        uniforms = self._uniforms[images, written]
        rows = Rows(logits, self._tokens[: len(logits)], written, uniforms)
        return draw_among_few(rows, eos_id, self.sampling)

    def append(self, tokens: Tensor, position: Tensor) -> None:
        """New tokens [nodes] at `position` [1]."""
        self._tokens[: len(tokens)].index_copy_(1, position, tokens[:, None])

    def move_nodes(self, sources: Tensor, targets: Tensor) -> None:
        self._tokens.index_copy_(0, targets, self._tokens[sources])

    def move_images(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        for source, target in zip(sources, targets, strict=True):
            self._uniforms[target] = self._uniforms[source]

    def grow(self, nodes: int) -> None:
        """Room for more nodes; what there is stays."""
        self._tokens = enlarge(self._tokens, 0, nodes)


def enlarge(tensor: Tensor, dimension: int, size: int) -> Tensor:
    """A copy with zeros behind, `size` long in `dimension`."""
    shape = list(tensor.shape)
    shape[dimension] = size
    larger = tensor.new_zeros(shape)
    larger.narrow(dimension, 0, tensor.shape[dimension]).copy_(tensor)
    return larger


class DeviceSampler:
    """Reads what the device has drawn; rows that are unsure are drawn once more, by the whole rules."""

    def __init__(
        self, keys: Sequence[int], eos_id: int, sampling: SamplingSettings, device: torch.device
    ) -> None:
        self.keys, self.eos_id = keys, eos_id
        self._sampling, self._device = sampling, device

    def __call__(self, draws: Draws, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        drawn = draws.read()[lanes.nodes, lanes.numbers % self._sampling.lanes]
        unsure = drawn == UNSURE
        if unsure.any():
            drawn[unsure] = self._draw_exactly(draws.logits, tokens, step, lanes.select(unsure))
        return drawn

    def _draw_exactly(self, logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        nodes, places = np.unique(lanes.nodes, return_inverse=True)
        some = logits[to_device(nodes, logits.device)]
        exact = random_sampler(self.keys, self.eos_id, self._sampling, self._device)
        return exact(some, tokens[nodes], step, Lanes(lanes.numbers, places))
