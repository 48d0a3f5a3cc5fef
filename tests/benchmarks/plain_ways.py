"""The plain way in place of each technique of the cascade: patches, so that the product needs no switches.

Each is a context in which the shipped code does one thing as it would be done without much thought, with the
same results; what is built within it stays so.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from open_clip.modified_resnet import ModifiedResNet
from torch import Tensor, nn
from torch.nn.functional import linear

import workers.cascade.sampling.generate as generation
from common.settings import SamplingSettings
from workers.captions import Image
from workers.cascade.background import Background
from workers.cascade.blip import captioner, steps, workspace
from workers.cascade.blip.captioner import BlipCaptioner
from workers.cascade.blip.steps import GraphStep
from workers.cascade.blip.text_decoder import Layer, StepInputs
from workers.cascade.clip import inference, resnet, text_tower, transformer
from workers.cascade.clip.pooling import PoolFour
from workers.cascade.clip.word_tokenizer import WordTokenizer
from workers.cascade.pixel_buffer import PixelBuffer
from workers.cascade.sampling import device_sampler, partial_selection, rules
from workers.cascade.sampling.device_sampler import Draws
from workers.cascade.sampling.nodes import Numbers, separate
from workers.cascade.sampling.partial_selection import Rows
from workers.cascade.sampling.samplers import EOS, NOT_FINITE

Way = Callable[[], AbstractContextManager[Any]]


def _in_place_of(owner: Any, name: str, plain: Any) -> Way:
    return lambda: patch.object(owner, name, plain)


def pool_only(tower: ModifiedResNet) -> ModifiedResNet:
    """Plain convolutions, but pooling as it is shipped."""
    for parent in list(tower.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, nn.AvgPool2d) and module.kernel_size == 2:
                setattr(parent, name, PoolFour())
    return tower


@contextmanager
def _open_clips_attention() -> Iterator[None]:
    """A mask, and torch's module; not its fused operator, which open_clip's own layers do not reach."""
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with patch.object(inference, "fuse_blocks", lambda _: None):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


def _attend_by_three_products(self: Layer, hidden: Tensor, self_kv: Tensor, inputs: StepInputs) -> Tensor:
    weights, biases = self.self_qkv.weight.chunk(3), self.self_qkv.bias.chunk(3)
    query, *both = (linear(hidden, weight, bias) for weight, bias in zip(weights, biases, strict=True))
    self_kv = self_kv[:, : len(hidden)]
    for cache, new in zip(self_kv, both, strict=True):
        cache.index_copy_(1, inputs.positions, new)
    keys, values = self_kv[:, :, : inputs.attended]
    return self._attend(query, self._by_head(keys), self._by_head(values), inputs.mask)


def _group_all(lengths: Numbers, _: int) -> tuple[Numbers, list[tuple[int, int]]]:
    """All texts padded to the longest of the pass."""
    return np.arange(len(lengths)), [(int(lengths.max()), len(lengths))]


def _doubling_sizes(nodes: int) -> tuple[int, ...]:
    sizes = (8 << power for power in range(nodes.bit_length()))
    return (*(size for size in sizes if size < nodes), nodes)


def _move_all(parents: Numbers) -> Numbers:
    """Children stand in their parents' order, wherever these stood."""
    return np.arange(len(parents))


def _split_by_two_columns(nodes: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    pairs, lanes = np.unique(np.column_stack([nodes, tokens]), axis=0, return_inverse=True)
    return pairs[:, 0], pairs[:, 1], lanes.reshape(-1)


def _draw_by_whole_rules(rows: Rows, eos_id: int, sampling: SamplingSettings) -> Tensor:
    """Sorts the logits that top-k leaves, and sums over the whole vocabulary."""
    shaped = partial_selection._shape(rows, eos_id, sampling)
    kept = rules.keep_top_p(rules.top_k_logits(shaped, sampling.top_k), sampling.top_p)
    drawn = rules.draw(rules.forbid_below(shaped, rules.lowest_kept(kept)), rows.uniforms)
    ends = rules.end_early(rows.logits, eos_id, sampling.end_probability)[:, None] | (drawn == eos_id)
    drawn = drawn.masked_fill(ends, EOS)
    return drawn.masked_fill(~rules.is_finite(rows.logits)[:, None], NOT_FINITE)


@contextmanager
def _draws_after_the_step() -> Iterator[None]:
    """The captured step ends with logits; kernels of the draws are launched one by one."""
    call = GraphStep.__call__

    def in_two(self: GraphStep, tokens: Numbers, images: Numbers, start: int) -> Tensor | Draws:
        draws, self.draws = self.draws, None
        try:
            logits = call(self, tokens, images, start)
        finally:
            self.draws = draws
        if draws is None or not isinstance(logits, Tensor):
            return logits
        inputs, nodes = self._inputs, len(tokens)
        draws.append(inputs.tokens[:nodes], inputs.position)
        drawn = draws.draw(logits, inputs.images[:nodes], inputs.position, self._eos_id)
        return self._reader.send(logits, drawn)

    with patch.object(GraphStep, "__call__", in_two):
        yield


@contextmanager
def _normalised_in_steps() -> Iterator[None]:
    """Images are stacked in new memory first, and normalised by a kernel for each operation."""

    def stack(_: PixelBuffer, images: Sequence[Image], pinned: Tensor) -> None:
        pinned[: len(images)] = torch.from_numpy(np.stack(images))

    def send(self: PixelBuffer, pinned: Tensor) -> Tensor:
        own, pixels = self._preprocessing, pinned.to(self._device)
        mean, std = (torch.tensor(values, device=self._device) for values in (own.mean, own.std))
        return ((pixels.float() / 255 - mean) / std).to(self._dtype)

    with patch.object(PixelBuffer, "_write", stack), patch.object(PixelBuffer, "_send", send):
        yield


def _decode_one_by_one(self: BlipCaptioner, lanes: Sequence[Sequence[int]]) -> list[str]:
    rows = [[*self._prompt[1:].tolist(), *new] for new in lanes]
    return [str(self._tokenizer.decode(row, skip_special_tokens=True)) for row in rows]


def _encode_by_open_clip(self: WordTokenizer, texts: Sequence[str]) -> Tensor:
    tokens: Tensor = self.source(list(texts))
    return tokens


@contextmanager
def _tokens_encoded_again() -> Iterator[None]:
    call = WordTokenizer.__call__

    def forgetful(self: WordTokenizer, texts: Sequence[str]) -> Tensor:
        self._last = {}
        return call(self, texts)

    with patch.object(WordTokenizer, "__call__", forgetful):
        yield


AS_BUILT: dict[str, Way] = {
    "convolution, bias, sum and ReLU in one call": _in_place_of(inference, "fuse_convolutions", pool_only),
    "average pooling in one kernel": _in_place_of(resnet, "PoolFour", lambda: nn.AvgPool2d(2)),
    "attention pool for one query": _in_place_of(resnet, "OneQueryPool", lambda source: source),
    "QuickGELU in one kernel": _in_place_of(transformer, "_fold_quick_gelu", lambda *_: None),
    "LayerNorm in one pass": _in_place_of(transformer, "OnePassNorm", lambda source, _: source),
    "CLIP's attention: one product, a flag for the mask": _open_clips_attention,
    "fused attention in BLIP's vision tower": _in_place_of(captioner, "fuse_attention", lambda tower: tower),
}
"""What the loader changes in the models."""

AS_RUN: dict[str, Way] = {
    "decoder: one product for queries, keys and values": _in_place_of(
        Layer, "_attend_self", _attend_by_three_products
    ),
    "one node for one prefix": _in_place_of(generation, "split", separate),
    "step sizes 32 nodes apart": _in_place_of(steps, "node_sizes", _doubling_sizes),
    "steps over living images alone": _in_place_of(steps, "image_sizes", lambda images: (images,)),
    "a first child keeps its parent's row": _in_place_of(generation, "keep_places", _move_all),
    "rows shared by need": _in_place_of(workspace, "NODES_PER_IMAGE", 40),
    "draws among the likeliest few": _in_place_of(device_sampler, "draw_among_few", _draw_by_whole_rules),
    "draws within the captured step": _draws_after_the_step,
    "texts in groups of like length": _in_place_of(text_tower, "group_by_length", _group_all),
    "images written once, normalised in one kernel": _normalised_in_steps,
    "towers launched behind the steps": _in_place_of(Background, "advance", lambda _: None),
    "tokeniser that remembers words": _in_place_of(WordTokenizer, "__call__", _encode_by_open_clip),
    "selector reads the ranker's tokens": _tokens_encoded_again,
    "texts decoded in one call": _in_place_of(BlipCaptioner, "_decode", _decode_one_by_one),
    "one key for a node and its token": _in_place_of(generation, "split", _split_by_two_columns),
}
"""What a pass does."""
