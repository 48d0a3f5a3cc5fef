"""Decoder steps: at the exact number of nodes, or padded to one of a few fixed sizes."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from workers.cascade.blip.cuda_graph import capture_graph
from workers.cascade.blip.text_decoder import Cache, StepInputs, TextDecoder
from workers.cascade.device import to_device
from workers.cascade.sampling.nodes import Numbers, grid_columns

SMALLEST = 8


class Step(Protocol):
    """One step of the decoder over all nodes."""

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        """Logits [nodes, vocabulary] of `tokens` [nodes] at position `start`; image of each node, [nodes]."""


def map_slots(images: Numbers, rows: int, columns: int) -> tuple[Numbers, Numbers]:
    """The grid of cross-attention: one row per image, its nodes in the first slots of the row.

    Returns:
        Node of each slot, [rows * columns], 0 in unused slots; slot of each node, [nodes].
    """
    node_to_slot = images * columns + grid_columns(images)
    slot_to_node = np.zeros(rows * columns, np.int64)
    slot_to_node[node_to_slot] = np.arange(len(images))
    return slot_to_node, node_to_slot


def prefill(text: TextDecoder, cache: Cache, images: int, prompt: Numbers) -> Tensor:
    """Logits [images, vocabulary] after the prompt [length], computed once per image."""
    device = cache.self_kv.device
    positions = torch.arange(len(prompt), device=device)
    every_image = torch.arange(images, device=device)
    mask = positions[:, None] >= positions
    tokens = to_device(np.tile(prompt, (images, 1)), device)
    inputs = StepInputs(positions, len(prompt), mask, every_image, every_image)
    return text(tokens, _trim(cache, images), inputs)  # type: ignore[no-any-return]


class EagerStep:
    """Runs at the exact number of nodes: no padding, but new shapes at every step."""

    def __init__(self, text: TextDecoder, cache: Cache) -> None:
        self._text = text
        self._cache = cache

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        count, device = int(images.max()) + 1, self._cache.self_kv.device
        slots, nodes = map_slots(images, count, int(np.bincount(images).max()))
        position = torch.tensor([start], device=device)
        inputs = StepInputs(position, start + 1, None, to_device(slots, device), to_device(nodes, device))
        return self._text(to_device(tokens[:, None], device), _trim(self._cache, count), inputs)  # type: ignore[no-any-return]


class GraphStep:
    """Runs at a few sizes over fixed buffers, each captured as a CUDA graph at its first use.

    A graph needs the same memory and the same shapes every time: nodes are padded to the next size and
    attend to the whole cache behind a mask. On a CPU the same steps run without a graph.
    """

    def __init__(self, text: TextDecoder, cache: Cache, lanes: int) -> None:
        _, _, images, *_ = cache.cross_kv.shape
        _, _, nodes, positions, _ = cache.self_kv.shape
        device = cache.self_kv.device
        self._text, self._cache, self._images, self._columns = text, cache, images, lanes
        self._sizes = [*_doublings(SMALLEST, nodes), nodes]
        self._tokens = torch.zeros(nodes, dtype=torch.int64, device=device)
        self._node_to_slot = torch.zeros_like(self._tokens)
        self._slot_to_node = torch.zeros(images * lanes, dtype=torch.int64, device=device)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._positions = torch.arange(positions, device=device)
        self._replays: dict[int, Callable[[], Tensor]] = {}

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        nodes = len(tokens)
        slot_to_node, node_to_slot = map_slots(images, self._images, self._columns)
        self._position.fill_(start)
        _fill(self._tokens, tokens)
        _fill(self._slot_to_node, slot_to_node)
        _fill(self._node_to_slot, node_to_slot)
        return self._replay(next(size for size in self._sizes if size >= nodes))()[:nodes]

    def _replay(self, size: int) -> Callable[[], Tensor]:
        if size not in self._replays:
            step = partial(self._step, size)
            self._replays[size] = capture_graph(step) if self._tokens.is_cuda else step
        return self._replays[size]

    def _step(self, size: int) -> Tensor:
        mask = self._positions <= self._position[:, None]
        slots, nodes = self._slot_to_node, self._node_to_slot[:size]
        inputs = StepInputs(self._position, mask.shape[1], mask, slots, nodes)
        return self._text(self._tokens[:size, None], self._cache, inputs)  # type: ignore[no-any-return]


def _fill(buffer: Tensor, values: Numbers) -> None:
    buffer[: len(values)] = to_device(values, buffer.device)


def _doublings(first: int, below: int) -> list[int]:
    return [first << power for power in range(below.bit_length()) if first << power < below]


def _trim(cache: Cache, images: int) -> Cache:
    return Cache(cache.cross_kv[:, :, :images], cache.self_kv)
