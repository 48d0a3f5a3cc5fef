"""The rules of sampling, one pure function each: those of the original LAION-COCO script, in its order.

`logits` are float [rows, vocabulary]; a token that a rule forbids gets minus infinity.
"""

import numpy as np
import torch
from torch import Tensor

from common.settings import SamplingSettings


def processed(logits: Tensor, tokens: Tensor, written: int, end: int, sampling: SamplingSettings) -> Tensor:
    """All rules that shape the distribution; `written` of the `tokens` [rows, length] are new."""
    logits = mask_end(logits, end) if written < sampling.min_tokens else logits
    logits = penalise_repetition(logits, tokens, sampling.repetition_penalty)
    logits = logits / sampling.temperature if sampling.temperature != 1 else logits
    ranked = keep_top_p(highest(logits, sampling.top_k), sampling.top_p)
    return forbid_below(logits, least(ranked))


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


def highest(logits: Tensor, k: int) -> Tensor:
    """The k highest logits of each row, in falling order: all that top-k keeps; 0 is all of them."""
    width = logits.shape[-1]
    k = min(k or width, width)
    if logits.device.type != "cpu":
        return logits.topk(k).values
    values = logits.numpy()  # sorts ten times as fast as torch on a CPU, for it sorts no indices
    kept = np.partition(values, width - k)[:, width - k :] if k < width else values
    return torch.from_numpy(np.sort(kept)[:, ::-1].copy())


def keep_top_p(ranked: Tensor, p: float) -> Tensor:
    """Forbid all but the first of `ranked` [rows, k], in falling order, that together reach probability p.

    Source: Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1.
    """
    if p == 1:
        return ranked
    probabilities = ranked.softmax(-1)
    reached = probabilities.cumsum(-1) - probabilities > p  # the likelier tokens suffice
    return ranked.masked_fill(reached, -torch.inf)


def least(ranked: Tensor) -> Tensor:
    """The lowest logit that is not forbidden, [rows, 1]."""
    return ranked.masked_fill(ranked == -torch.inf, torch.inf).amin(-1, keepdim=True)


def forbid_below(logits: Tensor, threshold: Tensor) -> Tensor:
    """Forbid what is less likely than `threshold` [rows, 1]; equal logits are kept or cut together."""
    return logits.masked_fill(logits < threshold, -torch.inf)


def draw(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Tokens of each row, int64 [rows, draws], by inversion of its distribution at `uniforms` in (0, 1]."""
    mass = logits.softmax(-1).cumsum(-1, dtype=torch.float64)  # [rows, vocabulary]
    return torch.searchsorted(mass, uniforms * mass[:, -1:])


def forced_end(logits: Tensor, end: int, threshold: float | None) -> Tensor:
    """Rows [rows] that the model itself, by its unprocessed logits, holds to be over."""
    if threshold is None:
        return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    return (logits[:, end] - logits.logsumexp(-1)).exp() > threshold


def lane_limits(lanes: int, max_tokens: tuple[int, ...]) -> list[int]:
    """The longest caption of each lane, in new tokens: the limits dealt out evenly, in order."""
    return [max_tokens[lane * len(max_tokens) // lanes] for lane in range(lanes)]
