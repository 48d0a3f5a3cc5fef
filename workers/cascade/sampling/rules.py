"""The sampling rules, one pure function each: those of the original LAION-COCO script, in its order.

`logits` are float [rows, vocabulary]; a forbidden token has minus infinity.
"""

import numpy as np
import torch
from torch import Tensor

from common.settings import SamplingSettings


def process_logits(
    logits: Tensor, tokens: Tensor, written: int, eos_id: int, sampling: SamplingSettings
) -> Tensor:
    """Apply all rules that shape the distribution.

    Args:
        logits: [rows, vocabulary].
        tokens: so far, prompt included, [rows, length].
        written: how many of `tokens` are new.
        eos_id: the end-of-sequence token.
        sampling: parameters of the rules.
    """
    logits = mask_eos(logits, eos_id) if written < sampling.min_tokens else logits
    logits = penalise_repetition(logits, tokens, sampling.repetition_penalty)
    logits = logits / sampling.temperature if sampling.temperature != 1 else logits
    kept = keep_top_p(top_k_logits(logits, sampling.top_k), sampling.top_p)
    return forbid_below(logits, lowest_kept(kept))


def mask_eos(logits: Tensor, eos_id: int) -> Tensor:
    """Forbid the end-of-sequence token."""
    masked = logits.clone()
    masked[:, eos_id] = -torch.inf
    return masked


def penalise_repetition(logits: Tensor, tokens: Tensor, penalty: float) -> Tensor:
    """Lower the logits of the tokens so far [rows, length], prompt included.

    Source: Keskar et al. 2019, "CTRL: A conditional transformer language model", section 4.1.
    """
    seen = logits.gather(-1, tokens)
    return logits.scatter(-1, tokens, torch.where(seen < 0, seen * penalty, seen / penalty))


def top_k_logits(logits: Tensor, k: int) -> Tensor:
    """The k highest logits of each row, descending; k = 0 keeps all."""
    width = logits.shape[-1]
    k = min(k or width, width)
    if logits.device.type != "cpu":
        return logits.topk(k).values
    values = logits.numpy()  # sorts ten times as fast as torch on a CPU, for it sorts no indices
    kept = np.partition(values, width - k)[:, width - k :] if k < width else values
    return torch.from_numpy(np.sort(kept)[:, ::-1].copy())


def keep_top_p(descending: Tensor, p: float) -> Tensor:
    """Forbid all but the shortest prefix of `descending` [rows, k] that reaches probability p.

    Source: Holtzman et al. 2020, "The curious case of neural text degeneration", section 3.1.
    """
    if p == 1:
        return descending
    probabilities = descending.softmax(-1)
    beyond = probabilities.cumsum(-1) - probabilities > p  # the likelier tokens suffice
    return descending.masked_fill(beyond, -torch.inf)


def lowest_kept(logits: Tensor) -> Tensor:
    """The lowest logit of each row that is not forbidden, [rows, 1]."""
    return logits.masked_fill(logits == -torch.inf, torch.inf).amin(-1, keepdim=True)


def forbid_below(logits: Tensor, threshold: Tensor) -> Tensor:
    """Forbid logits below `threshold` [rows, 1]; ties are kept or cut together."""
    return logits.masked_fill(logits < threshold, -torch.inf)


def draw(logits: Tensor, uniforms: Tensor) -> Tensor:
    """Tokens of each row, int64 [rows, draws], by inversion of its distribution at `uniforms` in (0, 1]."""
    mass = logits.softmax(-1).cumsum(-1, dtype=torch.float64)  # [rows, vocabulary]
    return torch.searchsorted(mass, uniforms * mass[:, -1:])


def is_finite(logits: Tensor) -> Tensor:
    """Rows, bool [rows], from which a token can be drawn: a NaN would give an index beyond the vocabulary."""
    return logits.sum(-1, dtype=torch.float64).isfinite()


def end_early(logits: Tensor, eos_id: int, threshold: float | None) -> Tensor:
    """Rows, bool [rows], whose end-of-sequence probability by the unprocessed logits exceeds `threshold`."""
    if threshold is None:
        return torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
    return (logits[:, eos_id] - logits.logsumexp(-1)).exp() > threshold


def lane_limits(lanes: int, max_tokens: tuple[int, ...]) -> list[int]:
    """Token limit of each lane: the limits dealt out evenly, in order."""
    return [max_tokens[lane * len(max_tokens) // lanes] for lane in range(lanes)]
