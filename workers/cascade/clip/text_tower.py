"""The text towers of open_clip, with little padding where it cannot matter."""

from typing import Any, Final

import numpy as np
import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

from workers.cascade.attention import varying_shapes
from workers.cascade.device import to_device
from workers.cascade.sampling.nodes import Numbers

Tower = Any  # of the untyped open_clip: a CLIP with its text tower inside, or the text tower of another

LENGTHS: Final = (8, 12, 16, 24, 32, 48)
"""Texts are padded to the first of these that they fit in: a text's features depend on no other text."""


def encode_texts(model: CLIP | CustomTextCLIP, tokens: Tensor) -> Tensor:
    """Features [texts, dimension] of `tokens` [texts, context length], which are in the host's memory.

    A causal tower pooled at the end token ignores all later tokens: texts of like length are encoded
    together and cut, with the same features. Other towers get the full length.
    """
    tower = text_tower(model)
    with varying_shapes():
        if is_pooled_at_eos(tower):
            return _encode_by_length(tower, tokens)
        features: Tensor = model.encode_text(tokens.to(_device(tower)))
        return features


def text_tower(model: CLIP | CustomTextCLIP) -> Tower:
    """What holds the text transformer."""
    return model if isinstance(model, CLIP) else model.text


def is_pooled_at_eos(tower: Tower) -> bool:
    """Whether no token after the end token can affect the features."""
    if not isinstance(tower, CLIP | TextTransformer):
        return False
    appended = getattr(tower, "cls_emb", None) is not None  # CoCa pools at an appended token, the last
    return tower.attn_mask is not None and not appended and _pool_type(tower) in {"argmax", "eos"}


def eos_positions(tower: Tower, tokens: Tensor) -> Tensor:
    """Position of the end token of each text [texts, length], [texts]."""
    if _pool_type(tower) == "argmax":
        return tokens.argmax(-1)  # the end token has the highest id
    end: int = tower.text_eos_id if isinstance(tower, CLIP) else tower.eos_id
    return tokens.eq(end).int().argmax(-1)


def group_by_length(lengths: Numbers, longest: int) -> tuple[Numbers, list[tuple[int, int]]]:
    """Texts of like length side by side.

    Returns:
        The texts' order, [texts]; of each group its padded length and how many texts it has.
    """
    bounds = np.array([length for length in LENGTHS if length < longest] + [longest])
    group = np.searchsorted(bounds, lengths)
    counts = np.bincount(group, minlength=len(bounds)).tolist()
    groups = [(int(bound), count) for bound, count in zip(bounds, counts, strict=True) if count]
    return np.argsort(group, kind="stable"), groups


def _encode_by_length(tower: Tower, tokens: Tensor) -> Tensor:
    ends, device = eos_positions(tower, tokens).numpy(), _device(tower)
    order, groups = group_by_length(ends + 1, tokens.shape[1])
    table = np.column_stack([tokens.numpy(), ends])[order]
    rows, places = to_device(table, device), to_device(np.argsort(order), device)
    parts = torch.split(rows, [count for _, count in groups])
    features = [
        _encode_causal(tower, part[:, :length], part[:, -1])
        for part, (length, _) in zip(parts, groups, strict=True)
    ]
    return torch.cat(features)[places]


def _pool_type(tower: Tower) -> str:
    return str(tower.text_pool_type if isinstance(tower, CLIP) else tower.pool_type)


def _device(tower: Tower) -> torch.device:
    device: torch.device = next(tower.parameters()).device
    return device


def _encode_causal(tower: Tower, tokens: Tensor, end: Tensor) -> Tensor:
    """As open_clip's own `encode_text`, at the length of `tokens` [texts, length]."""
    length, dtype = tokens.shape[1], tower.transformer.get_cast_dtype()
    hidden = tower.token_embedding(tokens).to(dtype) + tower.positional_embedding[:length].to(dtype)
    hidden = tower.transformer(hidden, attn_mask=tower.attn_mask[:length, :length])
    read = hidden[torch.arange(len(end), device=end.device), end]  # [texts, width]
    projection = tower.text_projection
    read = tower.ln_final(read)
    if projection is None:
        features: Tensor = read
    else:
        features = projection(read) if isinstance(projection, nn.Linear) else read @ projection
    return features
