"""BLIP's text decoder for many nodes of few images, whose keys and values are stored once per image.

Source: Li et al. 2022, "BLIP: Bootstrapping language-image pre-training for unified vision-language
understanding and generation"; the weights and the small modules are those of transformers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.blip.modeling_blip_text import BlipTextLayer, BlipTextLMHeadModel

from workers.cascade.blip.linear import Linear


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys (0) and values (1) of all layers, reused for every batch."""

    cross_kv: Tensor  # of the images, [layers, 2, images, heads, patches, size]
    self_kv: Tensor  # of the nodes' tokens, [layers, 2, nodes, positions, width]

    def move_nodes(self, sources: Tensor, targets: Tensor, length: int) -> None:
        """Copy the first `length` tokens of nodes `sources` [moved] to places `targets` [moved]."""
        written = self.self_kv[:, :, :, :length]
        written.index_copy_(2, targets, written.index_select(2, sources))

    def move_images(self, sources: Sequence[int], targets: Sequence[int]) -> None:
        """Copy images from places `sources` to other places, `targets`: a few large copies."""
        for source, target in zip(sources, targets, strict=True):
            self.cross_kv[:, :, target] = self.cross_kv[:, :, source]


@dataclass(frozen=True, slots=True)
class StepInputs:
    """Positions and layout of one step.

    The nodes of an image are query rows of one product with its keys, in a grid of one row per image;
    an unused slot repeats node 0.
    """

    positions: Tensor  # of the new tokens, [length]
    attended: int  # cache positions that are attended to
    mask: Tensor | None  # attended positions of each new token, bool [length, attended]; None is all
    slot_to_node: Tensor  # [images * columns]
    node_to_slot: Tensor  # [nodes]


class TextDecoder(nn.Module):
    """Tokens in, logits of the next token out."""

    def __init__(self, text: BlipTextLMHeadModel) -> None:
        super().__init__()
        self.embeddings = text.bert.embeddings
        self.layers = nn.ModuleList(Layer(cast("BlipTextLayer", layer)) for layer in text.bert.encoder.layer)
        head = text.cls.predictions
        self.last, self.activation = Linear(head.transform.dense), head.transform.transform_act_fn
        self.norm, self.vocabulary = head.transform.LayerNorm, Linear(head.decoder)
        self.width: int = text.config.hidden_size
        self.heads: int = text.config.num_attention_heads

    def new_cache(self, images: int, patches: int, nodes: int, positions: int) -> Cache:
        weight, layers, size = self.vocabulary.weight, len(self.layers), self.width // self.heads
        return Cache(
            cross_kv=weight.new_empty(layers, 2, images, self.heads, patches, size),
            self_kv=weight.new_zeros(layers, 2, nodes, positions, self.width),
        )

    def new_logits(self, nodes: int) -> Tensor:
        """Where a step that is captured leaves its logits, [nodes, vocabulary]."""
        weight = self.vocabulary.weight
        return weight.new_empty(nodes, len(weight), dtype=_logits_dtype(weight))

    def fill_cross_cache(self, features: Tensor, cache: Cache) -> None:
        """Cross-attention keys and values of `features` [images, patches, vision width], once per image."""
        for layer, cross_kv in zip(self._layers(), cache.cross_kv, strict=True):
            both = layer.cross_kv(features).unflatten(-1, (2, self.heads, -1))
            cross_kv[:, : len(features)] = both.permute(2, 0, 3, 1, 4)

    def forward(self, tokens: Tensor, cache: Cache, inputs: StepInputs, out: Tensor | None = None) -> Tensor:
        """Append `tokens` [nodes, length] to the cache; logits [nodes, vocabulary], float32 or wider.

        They are written to `out`, where it is given.
        """
        hidden = self.embeddings(input_ids=tokens, position_ids=inputs.positions)  # [nodes, length, width]
        for layer, cross_kv, self_kv in zip(self._layers(), cache.cross_kv, cache.self_kv, strict=True):
            hidden = layer(hidden, cross_kv, self_kv, inputs)
        logits: Tensor = self.vocabulary(self.norm(self.activation(self.last(hidden[:, -1]))))
        return logits.contiguous().to(_logits_dtype(logits)) if out is None else out.copy_(logits)

    def _layers(self) -> Iterable["Layer"]:
        return cast("Iterable[Layer]", self.layers)


class Layer(nn.Module):
    """Self-attention, cross-attention to the image, MLP."""

    def __init__(self, source: BlipTextLayer) -> None:
        super().__init__()
        attention, cross = source.attention, source.crossattention
        self.heads: int = attention.self.num_attention_heads
        self.self_qkv = Linear(attention.self.query, attention.self.key, attention.self.value)
        self.self_output, self.self_norm = Linear(attention.output.dense), attention.output.LayerNorm
        self.cross_query = Linear(cross.self.query)
        self.cross_kv = Linear(cross.self.key, cross.self.value)
        self.cross_output, self.cross_norm = Linear(cross.output.dense), cross.output.LayerNorm
        self.up, self.activation = Linear(source.intermediate.dense), source.intermediate.intermediate_act_fn
        self.down, self.norm = Linear(source.output.dense), source.output.LayerNorm

    def forward(self, hidden: Tensor, cross_kv: Tensor, self_kv: Tensor, inputs: StepInputs) -> Tensor:
        hidden = self.self_norm(self.self_output(self._attend_self(hidden, self_kv, inputs)) + hidden)
        hidden = self.cross_norm(self.cross_output(self._attend_cross(hidden, cross_kv, inputs)) + hidden)
        result: Tensor = self.norm(self.down(self.activation(self.up(hidden))) + hidden)
        return result

    def _attend_self(self, hidden: Tensor, self_kv: Tensor, inputs: StepInputs) -> Tensor:
        rows = self.self_qkv(hidden)
        parts = torch.movedim(rows.view(*rows.shape[:-1], 3, -1), -2, 0)  # [3, nodes, length, width]
        query, both = parts[0], parts[1:]
        self_kv = self_kv[:, : len(hidden)]
        self_kv.index_copy_(2, inputs.positions, both)
        keys, values = self_kv[:, :, : inputs.attended]
        return self._attend(query, self._by_head(keys), self._by_head(values), inputs.mask)

    def _attend_cross(self, hidden: Tensor, cross_kv: Tensor, inputs: StepInputs) -> Tensor:
        keys, values = cross_kv
        grid = self.cross_query(hidden)[inputs.slot_to_node]  # [images * columns, length, width]
        rows = grid.view(len(keys), -1, grid.shape[-1])
        return self._attend(rows, keys, values).view_as(grid)[inputs.node_to_slot]

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """[batch, queries, width] and twice [batch, heads, attended, size] -> [batch, queries, width]."""
        result = scaled_dot_product_attention(self._by_head(query), keys, values, attn_mask=mask)
        return result.transpose(1, 2).flatten(2)

    def _by_head(self, rows: Tensor) -> Tensor:
        """[batch, rows, width] -> [batch, heads, rows, size]; attention reads sizes side by side."""
        rows = rows if rows.stride(-1) == 1 else rows.contiguous()
        return rows.view(*rows.shape[:-1], self.heads, -1).transpose(1, 2)


def _logits_dtype(values: Tensor) -> torch.dtype:
    return torch.float64 if values.dtype == torch.float64 else torch.float32
