"""Decoder steps: at the exact number of nodes, or padded to one of a few fixed sizes and captured."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from workers.cascade.blip.cuda_graph import GraphPool
from workers.cascade.blip.step_inputs import InputSlab, map_slots
from workers.cascade.blip.text_decoder import Cache, StepInputs, TextDecoder
from workers.cascade.device import to_device
from workers.cascade.sampling.device_sampler import Draws, DrawState
from workers.cascade.sampling.nodes import Numbers


class Step(Protocol):
    """One step of the decoder over all nodes."""

    draws: DrawState | None  # what the step draws from; None: it hands out logits
    image_sizes: tuple[int, ...]  # images over which a step attends, ascending

    def start(self, logits: Tensor, position: int) -> Tensor | Draws:
        """The prompt's own logits [images, vocabulary] as a step hands them out; `position` is its last."""

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor | Draws:
        """Logits [nodes, vocabulary] of `tokens` [nodes] at position `start`; image of each node, [nodes]."""


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
        self.draws: DrawState | None = None
        self._text = text
        self._cache = cache
        self.image_sizes = tuple(range(1, cache.cross_kv.shape[2] + 1))

    def start(self, logits: Tensor, position: int) -> Tensor:
        del position
        return logits

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor:
        count, device = int(images.max()) + 1, self._cache.self_kv.device
        slots, nodes = map_slots(images, count, int(np.bincount(images).max()))
        position = torch.tensor([start], device=device)
        inputs = StepInputs(position, start + 1, None, to_device(slots, device), to_device(nodes, device))
        return self._text(to_device(tokens[:, None], device), _trim(self._cache, count), inputs)  # type: ignore[no-any-return]


class GraphStep:
    """Runs at a few sizes over fixed buffers, each captured as a CUDA graph at its first use.

    A graph needs the same memory and the same shapes every time: nodes are padded to the next size and
    attend to the whole cache behind a mask. With `draws` the next tokens are drawn within the step, and the
    host waits for these alone. On a CPU the same steps run without a graph.
    """

    def __init__(
        self, text: TextDecoder, cache: Cache, lanes: int, draws: DrawState | None = None, eos_id: int = 0
    ) -> None:
        images, nodes, device = cache.cross_kv.shape[2], cache.self_kv.shape[2], cache.self_kv.device
        self._text, self._cache, self.draws, self._eos_id = text, cache, draws, eos_id
        self._sizes, self.image_sizes = node_sizes(nodes), image_sizes(images)
        self._inputs = InputSlab(nodes, images, lanes, device)
        self._positions = torch.arange(cache.self_kv.shape[3], device=device)
        self._logits = text.new_logits(nodes)
        self._reader = _Reader(nodes, lanes, device)
        self._pool = GraphPool() if device.type == "cuda" else None
        self._replays: dict[tuple[int, int], Callable[[], Tensor]] = {}

    def start(self, logits: Tensor, position: int) -> Tensor | Draws:
        if self.draws is None:
            return logits
        device = logits.device
        images, where = torch.arange(len(logits), device=device), torch.tensor([position], device=device)
        return self._reader.send(logits, self.draws.draw(logits, images, where, self._eos_id))

    def __call__(self, tokens: Numbers, images: Numbers, start: int) -> Tensor | Draws:
        nodes, last = len(tokens), int(images.max())
        size = next(size for size in self._sizes if size >= nodes)
        slots = next(size for size in self.image_sizes if size > last)
        self._inputs.fill(tokens, images, start, slots)
        result = self._replay(size, slots)()[:nodes]
        return result if self.draws is None else self._reader.send(self._logits[:nodes], result)

    def _replay(self, size: int, images: int) -> Callable[[], Tensor]:
        if (size, images) not in self._replays:
            step = partial(self._step, size, images)
            self._replays[size, images] = self._pool.capture(step) if self._pool else step
        return self._replays[size, images]

    def _step(self, size: int, images: int) -> Tensor:
        inputs = self._inputs
        mask = self._positions <= inputs.position[:, None]
        places = inputs.slot_to_node(images), inputs.node_to_slot[:size]
        step_inputs = StepInputs(inputs.position, mask.shape[1], mask, *places)
        tokens, cache = inputs.tokens[:size], _trim(self._cache, images)
        logits: Tensor = self._text(tokens[:, None], cache, step_inputs, out=self._logits[:size])
        if self.draws is None:
            return logits
        self.draws.append(tokens, inputs.position)
        return self.draws.draw(logits, inputs.images[:size], inputs.position, self._eos_id)


class _Reader:
    """Copies draws to the host while the device goes on with other work."""

    def __init__(self, nodes: int, lanes: int, device: torch.device) -> None:
        cuda = device.type == "cuda"
        self._host = torch.empty(nodes, lanes, dtype=torch.int64, pin_memory=True) if cuda else None

    def send(self, logits: Tensor, drawn: Tensor) -> Draws:
        if self._host is None:
            return Draws(logits, drawn.numpy)
        host, copied = self._host[: len(drawn)], torch.cuda.Event()  # type: ignore[no-untyped-call]
        host.copy_(drawn, non_blocking=True)
        copied.record()
        return Draws(logits, partial(_wait, copied, host))


def _wait(copied: torch.cuda.Event, host: Tensor) -> Numbers:
    """The only wait of a step: not for work that was launched after the copy."""
    copied.synchronize()
    return host.numpy()


def node_sizes(nodes: int) -> tuple[int, ...]:
    """Numbers of nodes of a step, ascending to `nodes`: 32 apart, for a node costs time; two small ones."""
    return tuple(sorted({size for size in (8, 16, *range(32, nodes, 32)) if size < nodes} | {nodes}))


def image_sizes(images: int) -> tuple[int, ...]:
    """Numbers of images over which a step attends, ascending to `images`."""
    apart = max(8, images // 8)
    return (*range(apart, images, apart), images)


def _trim(cache: Cache, images: int) -> Cache:
    return Cache(cache.cross_kv[:, :, :images], cache.self_kv)
