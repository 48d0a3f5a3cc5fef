"""Steps of the text decoder: for the exact number of nodes, or padded to one of a few fixed sizes."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from workers.cascade.blip.text_decoder import Cache, Place, TextDecoder
from workers.cascade.sampling.nodes import Numbers, places
from workers.cascade.transfer import to_device

SMALLEST = 8


class Steps(Protocol):
    """A way to run the decoder."""

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        """Logits [nodes, vocabulary] of `tokens` [nodes] at position `start`; each node's image, [nodes]."""


def grid(images: Numbers, rows: int, columns: int) -> tuple[Numbers, Numbers]:
    """The node in each cell, [rows * columns], 0 where there is none; and the cell of each node, [nodes]."""
    cell = images * columns + places(images)
    cells = np.zeros(rows * columns, np.int64)
    cells[cell] = np.arange(len(images))
    return cells, cell


def read_prompt(text: TextDecoder, cache: Cache, images: int, prompt: Numbers) -> Tensor:
    """Logits [images, vocabulary] after the prompt [length], read once for each image."""
    device = cache.own.device
    positions = torch.arange(len(prompt), device=device)
    each = torch.arange(images, device=device)
    mask = positions[:, None] >= positions
    tokens = to_device(np.tile(prompt, (images, 1)), device)
    return text(tokens, _first(cache, images), Place(positions, len(prompt), mask, each, each))  # type: ignore[no-any-return]


class ExactSteps:
    """No wasted work; new shapes at every step."""

    def __init__(self, text: TextDecoder, cache: Cache) -> None:
        self._text = text
        self._cache = cache

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        count, device = int(images.max()) + 1, self._cache.own.device
        cells, cell = grid(images, count, int(np.bincount(images).max()))
        position = torch.tensor([start], device=device)
        place = Place(position, start + 1, None, to_device(cells, device), to_device(cell, device))
        return self._text(to_device(tokens[:, None], device), _first(self._cache, count), place)  # type: ignore[no-any-return]


class FixedSteps:
    """Steps at a few sizes over fixed buffers, each captured as a CUDA graph at its first use.

    A graph replays some hundred small kernels at the price of one; it needs the same memory and the same
    shapes every time, so nodes are padded to the next size and read the whole cache behind a mask. On a
    CPU the same steps run without a graph.
    """

    def __init__(self, text: TextDecoder, cache: Cache, lanes: int) -> None:
        _, _, images, *_ = cache.cross.shape
        _, _, nodes, positions, _ = cache.own.shape
        device = cache.own.device
        self._text, self._cache, self._images, self._columns = text, cache, images, lanes
        self._sizes = [*_doubling(SMALLEST, nodes), nodes]
        self._tokens, self._cell = (torch.zeros(nodes, dtype=torch.int64, device=device) for _ in range(2))
        self._cells = torch.zeros(images * lanes, dtype=torch.int64, device=device)
        self._position = torch.zeros(1, dtype=torch.int64, device=device)
        self._every_position = torch.arange(positions, device=device)
        self._replays: dict[int, Callable[[], Tensor]] = {}

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        nodes = len(tokens)
        cells, cell = grid(images, self._images, self._columns)
        self._position.fill_(start)
        for buffer, values in ((self._tokens, tokens), (self._cells, cells), (self._cell, cell)):
            buffer[: len(values)] = to_device(values, buffer.device)
        return self._replay(next(size for size in self._sizes if size >= nodes))()[:nodes]

    def _replay(self, size: int) -> Callable[[], Tensor]:
        if size not in self._replays:
            step = partial(self._step, size)
            self._replays[size] = captured(step) if self._tokens.is_cuda else step
        return self._replays[size]

    def _step(self, size: int) -> Tensor:
        mask = self._every_position <= self._position[:, None]
        place = Place(self._position, mask.shape[1], mask, self._cells, self._cell[:size])
        return self._text(self._tokens[:size, None], self._cache, place)  # type: ignore[no-any-return]


def captured(step: Callable[[], Tensor]) -> Callable[[], Tensor]:
    """The kernels of `step` as a CUDA graph; every replay leaves its result in the same tensor."""
    aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        step()  # libraries set themselves up at the first run, which a graph must not hold
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Tensor:
        graph.replay()
        return result

    return replay


def _doubling(first: int, below: int) -> list[int]:
    return [first << doublings for doublings in range(below.bit_length()) if first << doublings < below]


def _first(cache: Cache, images: int) -> Cache:
    return Cache(cache.cross[:, :, :images], cache.own)
