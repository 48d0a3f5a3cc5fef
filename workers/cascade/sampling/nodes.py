"""Lanes with the same prefix are one node: computed once, split when their draws differ."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def split(nodes: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The nodes of the next step: lanes that were on one node and drew one token stay together.

    Args:
        nodes: each lane's node, [lanes].
        tokens: each lane's draw, [lanes].

    Returns:
        Parent and token of each new node, [nodes], in the order of the parents;
        each lane's node, [lanes].
    """
    pairs, lanes = np.unique(np.stack([nodes, tokens]), axis=1, return_inverse=True)
    return pairs[0], pairs[1], lanes.reshape(-1)


def separate(nodes: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The same without sharing: every lane is its own node."""
    return nodes, tokens, np.arange(len(nodes))


def places(groups: Numbers) -> Numbers:
    """How many of the same group come before each, [members]: its column in a grid of a row per group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.searchsorted(ordered, ordered)  # where each one's group begins
    columns = np.empty_like(groups)
    columns[order] = np.arange(len(groups)) - first
    return columns
