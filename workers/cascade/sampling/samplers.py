"""Samplers: the next token of each lane, greedy or random."""

from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.device import to_device
from workers.cascade.sampling import rules
from workers.cascade.sampling.nodes import Numbers, grid_columns
from workers.cascade.sampling.uniform import to_signed, uniform

EOS: Final = -1
"""Returned by a sampler in place of a token: the lane ends here."""


NOT_FINITE: Final = -2
"""Returned in place of a token: the lane ends here, for its logits hold a NaN or an infinity."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The unfinished lanes."""

    numbers: Numbers  # among all lanes of all images, [lanes]
    nodes: Numbers  # node of each, [lanes]

    def select(self, mask: NDArray[np.bool_]) -> "Lanes":
        return Lanes(self.numbers[mask], self.nodes[mask])


Outcome = TypeVar("Outcome", bound=Sized)  # of a decoder's step: logits [nodes, vocabulary], or draws

# (outcome of the step, tokens so far [nodes, length], step, lanes)
# -> token of each lane, or EOS, or NOT_FINITE
Sampler = Callable[[Outcome, Numbers, int, Lanes], Numbers]


def greedy_sampler(eos_id: int) -> Sampler[Tensor]:
    """Always the likeliest token, without any rule."""

    def sample(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        del tokens, step
        best: Numbers = logits.argmax(-1).cpu().numpy()[lanes.nodes]
        return np.where(best == eos_id, EOS, best)

    return sample


def random_sampler(
    keys: Sequence[int], eos_id: int, sampling: SamplingSettings, device: torch.device
) -> Sampler[Tensor]:
    """Random draws by the original's rules; lane `i` is sample `i % lanes` of image `keys[i // lanes]`."""
    uniforms = (
        image_uniforms(keys, sampling, device).transpose(0, 1).flatten(1)
    )  # [steps, lanes of all images]

    def sample(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        columns = grid_columns(lanes.nodes)  # a grid of lanes, one row per node
        node, column, number = to_device(np.stack([lanes.nodes, columns, lanes.numbers]), device)
        grid = uniforms.new_ones(len(logits), int(columns.max()) + 1)
        grid[node, column] = uniforms[step, number]
        processed = rules.process_logits(logits, to_device(tokens, device), step, eos_id, sampling)
        drawn = rules.draw(processed, grid)[node, column]
        over = rules.end_early(logits, eos_id, sampling.end_probability)[node]
        drawn = torch.where(over | (drawn == eos_id), EOS, drawn)
        result: Numbers = torch.where(rules.is_finite(logits)[node], drawn, NOT_FINITE).cpu().numpy()
        return result

    return sample


def image_uniforms(keys: Sequence[int], sampling: SamplingSettings, device: torch.device) -> Tensor:
    """Random numbers of each image, step and lane, float64 [images, steps, lanes]."""
    images = torch.tensor([to_signed(key) for key in keys], device=device)
    lanes = torch.arange(sampling.lanes, device=device)
    steps = torch.arange(max(sampling.max_tokens), device=device)
    return uniform(sampling.seed, images[:, None, None], lanes, steps[:, None])
