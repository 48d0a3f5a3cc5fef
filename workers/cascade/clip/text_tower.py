"""The text towers of open_clip, without padding where it cannot matter."""

from typing import Any

import torch
from open_clip import CLIP, CustomTextCLIP
from open_clip.transformer import TextTransformer
from torch import Tensor, nn

Tower = Any  # of the untyped open_clip: a CLIP with its text tower inside, or the text tower of another


def encode_texts(model: CLIP | CustomTextCLIP, tokens: Tensor) -> Tensor:
    """Features [texts, dimension] of `tokens` [texts, context length].

    A causal tower pooled at the end token ignores all later tokens: they are cut to the longest text,
    with the same features. Other towers get the full length.
    """
    tower = model if isinstance(model, CLIP) else model.text
    if not is_pooled_at_eos(tower):
        features: Tensor = model.encode_text(tokens)
        return features
    end = eos_positions(tower, tokens)
    return _encode_causal(tower, tokens[:, : int(end.max()) + 1], end)


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


def _pool_type(tower: Tower) -> str:
    return str(tower.text_pool_type if isinstance(tower, CLIP) else tower.pool_type)


def _encode_causal(tower: Tower, tokens: Tensor, end: Tensor) -> Tensor:
    """As open_clip's own `encode_text`, at the length of `tokens` [texts, length]."""
    length, dtype = tokens.shape[1], tower.transformer.get_cast_dtype()
    hidden = tower.token_embedding(tokens).to(dtype) + tower.positional_embedding[:length].to(dtype)
    hidden = tower.transformer(hidden, attn_mask=tower.attn_mask[:length, :length])
    read = tower.ln_final(hidden[torch.arange(len(end), device=end.device), end])  # [texts, width]
    projection = tower.text_projection
    if projection is None:
        features: Tensor = read
    else:
        features = projection(read) if isinstance(projection, nn.Linear) else read @ projection
    return features
