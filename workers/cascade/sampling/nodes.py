"""Nodes: lanes with the same prefix are computed once, and split when their draws differ."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

_TOKEN_BITS: Final = 32  # of a node and its token in one key


def split(nodes: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The nodes of the next step: lanes of one node with the same draw stay together.

    Args:
        nodes: node of each lane, [lanes].
        tokens: draw of each lane, [lanes].

    Returns:
        Parent and token of each new node, [nodes], ordered by parent; node of each lane, [lanes].
    """
    keys, lanes = np.unique(nodes << _TOKEN_BITS | tokens, return_inverse=True)  # one column sorts fastest
    return keys >> _TOKEN_BITS, keys & ((1 << _TOKEN_BITS) - 1), lanes.reshape(-1)


def keep_places(parents: Numbers) -> Numbers:
    """Places of new nodes, [nodes], that leave most of them where their parents were.

    A parent's first child takes its place, if that is below the number of nodes; the others fill the gaps.

    Args:
        parents: place of each new node's parent, [nodes], children of one parent side by side.
    """
    count = len(parents)
    stays = np.append(True, parents[1:] != parents[:-1])[:count] & (parents < count)
    is_free = np.ones(count, np.bool_)
    is_free[parents[stays]] = False
    places = np.empty(count, np.int64)
    places[stays], places[~stays] = parents[stays], np.flatnonzero(is_free)
    return places


def separate(nodes: Numbers, tokens: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """As `split`, without sharing: one node a lane."""
    return nodes, tokens, np.arange(len(nodes))


def grid_columns(groups: Numbers) -> Numbers:
    """Rank of each member within its group, [members]: its column in a grid of one row per group."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    first = np.searchsorted(ordered, ordered)  # start of each member's group
    columns = np.empty_like(groups)
    columns[order] = np.arange(len(groups)) - first
    return columns
