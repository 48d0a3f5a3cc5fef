"""The sampling rules without sorting or summing the whole vocabulary, for a step that is captured.

Top-p keeps about eight tokens: they are found among the likeliest few, and drawn by the same inversion as in
`rules`, so that the same random number gives the same token. Where the few do not suffice the row says so.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from common.settings import SamplingSettings
from workers.cascade.sampling import rules
from workers.cascade.sampling.samplers import EOS, NOT_FINITE

FEW: Final = 512  # tokens that are looked at
UNSURE: Final = -3
"""In place of a token: the few do not hold all that may be drawn."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Nodes whose next token is drawn."""

    logits: Tensor  # float [nodes, vocabulary]
    tokens: Tensor  # so far, prompt included, [nodes, length]; any of them repeated as padding
    written: Tensor  # how many of them are new, a number on the device
    uniforms: Tensor  # in (0, 1], float64 [nodes, draws]


def is_selective(sampling: SamplingSettings) -> bool:
    """Whether the rules usually leave few tokens."""
    return sampling.top_p < 1 or 0 < sampling.top_k < FEW


def draw_among_few(rows: Rows, eos_id: int, sampling: SamplingSettings) -> Tensor:
    """Int64 [nodes, draws]: tokens, EOS, UNSURE, or NOT_FINITE where the logits are not."""
    ending = rows.logits.softmax(-1)[:, eos_id : eos_id + 1]  # NaN of a row that is not finite
    shaped = _shape(rows, eos_id, sampling)
    likeliest = shaped.topk(min(FEW, shaped.shape[-1]))  # descending
    least = _lowest_kept(likeliest.values, shaped, sampling)
    drawn = _draw(likeliest.values, likeliest.indices, least, rows.uniforms)
    ends = drawn == eos_id
    if sampling.end_probability is not None:
        ends |= ending > sampling.end_probability
    drawn = drawn.masked_fill_(ends, EOS)
    if likeliest.values.shape[-1] < shaped.shape[-1]:  # an unseen token may be kept unless a seen one is not
        drawn = drawn.masked_fill_(likeliest.values[:, -1:] >= least, UNSURE)
    return drawn.masked_fill_(ending.isnan(), NOT_FINITE)


def _shape(rows: Rows, eos_id: int, sampling: SamplingSettings) -> Tensor:
    """Logits by the rules that come before the selection."""
    logits = rules.penalise_repetition(rows.logits, rows.tokens, sampling.repetition_penalty)
    logits[:, eos_id].masked_fill_(rows.written < sampling.min_tokens, -torch.inf)
    return logits / sampling.temperature if sampling.temperature != 1 else logits


def _lowest_kept(descending: Tensor, shaped: Tensor, sampling: SamplingSettings) -> Tensor:
    """The lowest logit that top-k and top-p leave, as far as the likeliest few tell, [nodes, 1]."""
    vocabulary = shaped.shape[-1]
    among = min(sampling.top_k or vocabulary, vocabulary)
    kept = descending[:, :among]
    if sampling.top_p < 1:
        probabilities = _probabilities(kept, shaped, among)
        beyond = probabilities.cumsum(-1) - probabilities > sampling.top_p
        kept = kept.masked_fill(beyond, -torch.inf)
    return rules.lowest_kept(kept)


def _probabilities(descending: Tensor, shaped: Tensor, among: int) -> Tensor:
    """Of the likeliest few, where the `among` likeliest have all probability."""
    if among <= descending.shape[-1]:
        return descending.softmax(-1)
    highest = shaped.topk(among, sorted=False).values.softmax(-1).amax(-1, keepdim=True)
    return highest * (descending - descending[:, :1]).exp()


def _draw(descending: Tensor, indices: Tensor, least: Tensor, uniforms: Tensor) -> Tensor:
    """By inversion in the vocabulary's order, as `rules.draw`; forbidden tokens come last."""
    forbidden = descending < least
    beyond = torch.iinfo(indices.dtype).max
    ordered, places = indices.masked_fill(forbidden, beyond).sort(-1)
    logits = descending.masked_fill(forbidden, -torch.inf).gather(-1, places)
    drawn = rules.draw(logits, uniforms).clamp_(max=indices.shape[-1] - 1)
    return ordered.gather(-1, drawn)
