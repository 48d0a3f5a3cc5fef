"""The loop that writes captions token by token, and the two ways to choose a token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.sampling import rules
from workers.cascade.sampling.nodes import Numbers, places, separate, split
from workers.cascade.sampling.uniform import signed, uniform
from workers.cascade.transfer import to_device

ENDED: Final = -1


class Decoder(Protocol):
    """A language model that remembers what its nodes hold so far; at first a node is an image."""

    logits: Tensor  # after the prompt, float [images, vocabulary]

    def step(self, tokens: Numbers, parents: Numbers) -> Tensor:
        """Append `tokens` [nodes] to the nodes `parents` [nodes]; logits [nodes, vocabulary].

        A parent that is named often is copied, one that is not named is forgotten.
        """


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes that are still written."""

    numbers: Numbers  # among all lanes of all images, [lanes]
    nodes: Numbers  # each one's node, [lanes]

    def only(self, which: NDArray[np.bool_]) -> "Lanes":
        return Lanes(self.numbers[which], self.nodes[which])


# (logits [nodes, vocabulary], tokens so far [nodes, length], step, lanes) -> token of each lane, or ENDED
Chooser = Callable[[Tensor, Numbers, int, Lanes], Numbers]


def write(
    decoder: Decoder, prompt: Numbers, limits: Numbers, choose: Chooser, *, share: bool = True
) -> list[list[int]]:
    """New tokens of each lane, without prompt and end token.

    Args:
        decoder: has read the prompt for each image.
        prompt: [length].
        limits: the longest text of each lane in new tokens, [lanes of all images]; a lane that reaches it
            is done.
        choose: the next token of each lane.
        share: lanes with the same prefix are computed once; the texts are the same without.
    """
    images = len(decoder.logits)
    numbers = np.arange(len(limits))
    lanes = Lanes(numbers, numbers * images // len(limits))
    logits, tokens = decoder.logits, np.tile(prompt, (images, 1))
    texts: list[list[int]] = [[] for _ in limits]
    for step in range(int(limits.max())):
        drawn = choose(logits, tokens, step, lanes)  # the one time in a step that the host waits
        lanes, drawn = lanes.only(drawn != ENDED), drawn[drawn != ENDED]
        for lane, token in zip(lanes.numbers.tolist(), drawn.tolist(), strict=True):
            texts[lane].append(token)
        unfinished = limits[lanes.numbers] > step + 1
        lanes, drawn = lanes.only(unfinished), drawn[unfinished]
        if len(drawn) == 0:
            break
        parents, new, nodes = (split if share else separate)(lanes.nodes, drawn)
        tokens = np.column_stack([tokens[parents], new])
        logits, lanes = decoder.step(new, parents), Lanes(lanes.numbers, nodes)
    return texts


def greedy(end: int) -> Chooser:
    """Always the likeliest token, nothing forbidden."""

    def choose(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        del tokens, step
        best: Numbers = logits.argmax(-1).cpu().numpy()[lanes.nodes]
        return np.where(best == end, ENDED, best)

    return choose


def sampled(keys: Sequence[int], end: int, sampling: SamplingSettings, device: torch.device) -> Chooser:
    """Draws by the original's rules; lane `i` is sample `i % lanes` of the image `keys[i // lanes]`."""
    uniforms = _uniforms(keys, sampling, device)  # [steps, lanes of all images]

    def choose(logits: Tensor, tokens: Numbers, step: int, lanes: Lanes) -> Numbers:
        columns = places(lanes.nodes)  # lanes are laid out in a grid of a row per node
        node, column, number = to_device(np.stack([lanes.nodes, columns, lanes.numbers]), device)
        grid = uniforms.new_ones(len(logits), int(columns.max()) + 1)
        grid[node, column] = uniforms[step, number]
        shaped = rules.processed(logits, to_device(tokens, device), step, end, sampling)
        drawn = rules.draw(shaped, grid)[node, column]
        over = rules.forced_end(logits, end, sampling.end_probability)[node]
        chosen: Numbers = torch.where(over | (drawn == end), ENDED, drawn).cpu().numpy()
        return chosen

    return choose


def _uniforms(keys: Sequence[int], sampling: SamplingSettings, device: torch.device) -> Tensor:
    """The random numbers of each step and lane, float64 [steps, lanes of all images]."""
    images = torch.tensor([signed(key) for key in keys], device=device).repeat_interleave(sampling.lanes)
    lanes = torch.arange(sampling.lanes, device=device).repeat(len(keys))
    steps = torch.arange(max(sampling.max_tokens), device=device)
    return uniform(sampling.seed, images, lanes, steps[:, None])
