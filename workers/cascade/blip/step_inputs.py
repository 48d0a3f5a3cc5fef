"""What the host tells the device before a step: one copy of a few kilobytes."""

from typing import Final

import numpy as np
import torch
from torch import Tensor

from workers.cascade.sampling.nodes import Numbers, grid_columns


def map_slots(images: Numbers, rows: int, columns: int) -> tuple[Numbers, Numbers]:
    """The grid of cross-attention: one row per image, its nodes in the first slots of the row.

    Returns:
        Node of each slot, [rows * columns], 0 in unused slots; slot of each node, [nodes].
    """
    node_to_slot = images * columns + grid_columns(images)
    slot_to_node = np.zeros(rows * columns, np.int64)
    slot_to_node[node_to_slot] = np.arange(len(images))
    return slot_to_node, node_to_slot


class InputSlab:
    """Buffers of a captured step, side by side in memory that never moves.

    Nodes beyond those of a step read the first image: places left over from a larger grid are out of range.
    """

    def __init__(self, nodes: int, images: int, lanes: int, device: torch.device) -> None:
        self._lanes: Final = lanes
        lengths = [1, nodes, nodes, nodes, images * lanes]
        self._host = torch.zeros(sum(lengths), dtype=torch.int64, pin_memory=device.type == "cuda")
        self._device = torch.zeros(sum(lengths), dtype=torch.int64, device=device)
        parts = torch.split(self._device, lengths)
        self.position, self.tokens, self.images, self.node_to_slot, self._slot_to_node = parts
        self._parts = np.split(self._host.numpy(), np.cumsum(lengths)[:-1])

    def slot_to_node(self, images: int) -> Tensor:
        """Of a grid of `images` rows."""
        return self._slot_to_node[: images * self._lanes]

    def fill(self, tokens: Numbers, images: Numbers, position: int, rows: int) -> None:
        """Nodes' `tokens` and `images` [nodes] at `position`, in a grid of `rows` images."""
        slot_to_node, node_to_slot = map_slots(images, rows, self._lanes)
        values = (np.array([position]), tokens, images, node_to_slot, slot_to_node)
        for part, value in zip(self._parts, values, strict=True):
            part[: len(value)], part[len(value) :] = value, 0
        self._device.copy_(self._host, non_blocking=True)
