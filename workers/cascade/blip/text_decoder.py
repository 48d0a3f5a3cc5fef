"""BLIP's text decoder for many nodes of few images: the images' keys and values are held once.

Source: Li et al. 2022, "BLIP: Bootstrapping language-image pre-training for unified vision-language
understanding and generation"; the weights and the small modules are those of transformers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers.models.blip.modeling_blip_text import BlipTextLayer, BlipTextLMHeadModel

from workers.cascade.blip.linear import Linear


@dataclass(frozen=True, slots=True)
class Cache:
    """Keys (0) and values (1) of all layers; allocated once and used for batch after batch."""

    cross: Tensor  # of the images, [layers, 2, images, heads, patches, size]
    own: Tensor  # of the nodes' tokens, [layers, 2, nodes, positions, width]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the new tokens of a step stand.

    The nodes of an image are query rows of one product with its keys: they are laid out in a grid of a
    row per image, in which an unused cell repeats some node.
    """

    positions: Tensor  # of the new tokens, [length]
    read: int  # positions of the cache that are read
    mask: Tensor | None  # which of them each new token reads, bool [length, read]; None is all
    cells: Tensor  # the node in each cell, [images * columns]
    cell: Tensor  # the cell of each node, [nodes]


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
            cross=weight.new_empty(layers, 2, images, self.heads, patches, size),
            own=weight.new_zeros(layers, 2, nodes, positions, self.width),
        )

    def read_images(self, features: Tensor, cache: Cache) -> None:
        """Fill the cache from `features` [images, patches, vision width]."""
        for layer, memory in zip(self._layers(), cache.cross, strict=True):
            both = layer.cross_kv(features).unflatten(-1, (2, self.heads, -1))
            memory[:, : len(features)] = both.permute(2, 0, 3, 1, 4)

    def forward(self, tokens: Tensor, cache: Cache, place: Place) -> Tensor:
        """Logits [nodes, vocabulary], float32 or better, after `tokens` [nodes, length], now remembered."""
        hidden = self.embeddings(input_ids=tokens, position_ids=place.positions)  # [nodes, length, width]
        for layer, cross, own in zip(self._layers(), cache.cross, cache.own, strict=True):
            hidden = layer(hidden, cross, own, place)
        logits: Tensor = self.vocabulary(self.norm(self.activation(self.last(hidden[:, -1])))).contiguous()
        return logits if logits.dtype == torch.float64 else logits.float()

    def _layers(self) -> Iterable["Layer"]:
        return cast("Iterable[Layer]", self.layers)


class Layer(nn.Module):
    """Attention to the node's own tokens, attention to its image, a perceptron."""

    def __init__(self, source: BlipTextLayer) -> None:
        super().__init__()
        own, cross = source.attention, source.crossattention
        self.heads: int = own.self.num_attention_heads
        self.own_qkv = Linear(own.self.query, own.self.key, own.self.value)
        self.own_output, self.own_norm = Linear(own.output.dense), own.output.LayerNorm
        self.cross_query = Linear(cross.self.query)
        self.cross_kv = Linear(cross.self.key, cross.self.value)
        self.cross_output, self.cross_norm = Linear(cross.output.dense), cross.output.LayerNorm
        self.up, self.activation = Linear(source.intermediate.dense), source.intermediate.intermediate_act_fn
        self.down, self.norm = Linear(source.output.dense), source.output.LayerNorm

    def forward(self, hidden: Tensor, cross: Tensor, own: Tensor, place: Place) -> Tensor:
        hidden = self.own_norm(self.own_output(self._attend_own(hidden, own, place)) + hidden)
        hidden = self.cross_norm(self.cross_output(self._attend_image(hidden, cross, place)) + hidden)
        result: Tensor = self.norm(self.down(self.activation(self.up(hidden))) + hidden)
        return result

    def _attend_own(self, hidden: Tensor, own: Tensor, place: Place) -> Tensor:
        query, key, value = self.own_qkv(hidden).chunk(3, dim=-1)  # each [nodes, length, width]
        own = own[:, : len(hidden)]
        own.index_copy_(2, place.positions, torch.stack([key, value]))
        keys, values = own[:, :, : place.read]
        return self._attend(query, self._by_head(keys), self._by_head(values), place.mask)

    def _attend_image(self, hidden: Tensor, cross: Tensor, place: Place) -> Tensor:
        keys, values = cross
        grid = self.cross_query(hidden)[place.cells]  # [images * columns, length, width]
        rows = grid.view(len(keys), -1, grid.shape[-1])
        return self._attend(rows, keys, values).view_as(grid)[place.cell]

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None) -> Tensor:
        """[batch, queries, width] and twice [batch, heads, read, size] -> [batch, queries, width]."""
        result = scaled_dot_product_attention(self._by_head(query), keys, values, attn_mask=mask)
        return result.transpose(1, 2).flatten(2)

    def _by_head(self, rows: Tensor) -> Tensor:
        """[batch, rows, width] -> [batch, heads, rows, size]."""
        return rows.contiguous().view(*rows.shape[:-1], self.heads, -1).transpose(1, 2)
