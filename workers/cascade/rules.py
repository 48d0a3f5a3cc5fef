"""The rules of sampling, one pure function each: those of the original LAION-COCO script, in its order.

`logits` are float [rows, vocabulary]; a token that a rule forbids gets minus infinity.
"""

import torch
from torch import Tensor

from common.settings import SamplingSettings


def processed(logits: Tensor, tokens: Tensor, written: int, end: int, sampling: SamplingSettings) -> Tensor:
    """All rules that shape the distribution; `written` of the `tokens` [rows, length] are new."""
    logits = mask_end(logits, end) if written < sampling.min_tokens else logits
    logits = penalise_repetition(logits, tokens, sampling.repetition_penalty)
    logits = logits / sampling.temperature
    logits = keep_top_k(logits, sampling.top_k)
    return keep_top_p(logits, sampling.top_p)


def mask_end(logits: Tensor, end: int) -> Tensor:
    """Forbid the end token."""
    masked = logits.clone()
    masked[:, end] = -torch.inf
    return masked


def penalise_repetition(logits: Tensor, tokens: Tensor, penalty: float) -> Tensor:
    """Make the tokens that a row [rows, length] already holds, prompt included, less likely.

    Source: Keskar et al. 2019, "CTRL: A conditional transformer language model", section 4.1.
    """
    held = logits.gather(-1, tokens)
    return logits.scatter(-1, tokens, torch.where(held < 0, held * penalty, held / penalty))


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """Forbid all but the k likeliest tokens; 0 keeps all."""
    if k == 0 or k >= logits.shape[-1]:
        return logits
    least = logits.topk(k).values[:, -1:]
    return logits.masked_fill(logits < least, -torch.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Forbid all but the likeliest tokens that together reach probability p.

    Source: Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1.
    """
    if p == 1:
        return logits
    values, order = logits.sort(descending=True, stable=True)
    probabilities = values.softmax(-1)
    removed = probabilities.cumsum(-1) - probabilities > p  # the likelier tokens suffice
    return logits.masked_fill(removed.scatter(-1, order, removed), -torch.inf)


def draw(logits: Tensor, uniforms: Tensor) -> Tensor:
    """A token for each row, int64 [rows], by inversion of its distribution at `uniforms` in (0, 1] [rows]."""
    mass = logits.softmax(-1, dtype=torch.float64).cumsum(-1)  # [rows, vocabulary]
    return torch.searchsorted(mass, (uniforms * mass[:, -1])[:, None]).squeeze(-1)


def forced_end(logits: Tensor, end: int, threshold: float | None) -> Tensor:
    """Rows [rows] that the model itself, by its unprocessed logits, holds to be over."""
    if threshold is None:
        return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    return logits.softmax(-1)[:, end] > threshold


def lane_limits(lanes: int, max_tokens: tuple[int, ...]) -> list[int]:
    """The longest caption of each lane, in new tokens: the limits dealt out evenly, in order."""
    return [max_tokens[lane * len(max_tokens) // lanes] for lane in range(lanes)]
