"""The loop that writes captions token by token, and the two ways to choose a token."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade import rules
from workers.cascade.uniform import signed, uniform


class Decoder(Protocol):
    """A language model that remembers what its rows hold so far."""

    def step(self, tokens: Tensor, rows: Tensor) -> Tensor:
        """Keep the rows numbered `rows` [n] and append `tokens` [n]; float32 logits [n, vocabulary]."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a step decides for each row: int64 [rows] and bool [rows]."""

    tokens: Tensor  # the next one
    ended: Tensor  # the row is over, without that token


# (logits [n, vocabulary], tokens so far [n, length], step, original numbers of the rows [n]) -> Choice
Chooser = Callable[[Tensor, Tensor, int, Tensor], Choice]


def write(
    decoder: Decoder, logits: Tensor, prompt: Tensor, limits: Tensor, choose: Chooser
) -> list[list[int]]:
    """New tokens of each row, without prompt and end token.

    Args:
        decoder: has read the prompt for each row.
        logits: its answer, [rows, vocabulary].
        prompt: [length].
        limits: the longest text of each row in new tokens, [rows]; a row that reaches it is done.
        choose: the next token.
    """
    alive = torch.arange(len(limits), device=logits.device)  # the rows that are still written
    tokens = prompt.expand(len(limits), -1)  # theirs, [alive, length]
    texts: list[list[int]] = [[] for _ in limits]
    for step in range(int(limits.max())):
        choice = choose(logits, tokens, step, alive)
        going = (~choice.ended).nonzero().squeeze(-1)
        drawn, alive = choice.tokens[going], alive[going]
        for row, token in zip(alive.tolist(), drawn.tolist(), strict=True):
            texts[row].append(token)
        unfinished = limits[alive] > step + 1
        going, drawn, alive = going[unfinished], drawn[unfinished], alive[unfinished]
        if len(alive) == 0:
            break
        tokens = torch.cat([tokens[going], drawn[:, None]], dim=1)
        logits = decoder.step(drawn, going)
    return texts


def greedy(end: int) -> Chooser:
    """Always the likeliest token, nothing forbidden."""

    def choose(logits: Tensor, tokens: Tensor, step: int, alive: Tensor) -> Choice:
        del tokens, step, alive
        best = logits.argmax(-1)
        return Choice(best, best == end)

    return choose


def sampled(keys: Tensor, end: int, sampling: SamplingSettings) -> Chooser:
    """Draws by the original's rules; row `i` is lane `i % lanes` of the image with key `keys[i // lanes]`."""
    lanes = sampling.lanes

    def choose(logits: Tensor, tokens: Tensor, step: int, alive: Tensor) -> Choice:
        uniforms = uniform(sampling.seed, keys[alive // lanes], alive % lanes, step)
        drawn = rules.draw(rules.processed(logits, tokens, step, end, sampling), uniforms)
        forced = rules.forced_end(logits, end, sampling.end_probability)
        return Choice(drawn, forced | (drawn == end))

    return choose


def key_tensor(keys: list[int], device: torch.device) -> Tensor:
    """int64 [images]; unsigned keys keep their bits."""
    return torch.tensor([signed(key) for key in keys], dtype=torch.int64, device=device)
