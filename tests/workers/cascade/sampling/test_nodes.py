"""Lanes on nodes."""

import numpy as np

from workers.cascade.sampling.nodes import grid_columns, separate, split


def test_lanes_part_where_their_draws_differ() -> None:
    nodes, tokens = np.array([0, 0, 1, 1, 0, 1]), np.array([7, 5, 7, 7, 7, 2])
    parents, new, lanes = split(nodes, tokens)
    assert parents.tolist() == [0, 0, 1, 1]
    assert new.tolist() == [5, 7, 2, 7]
    assert parents[lanes].tolist() == nodes.tolist()
    assert new[lanes].tolist() == tokens.tolist()


def test_without_sharing_every_lane_is_a_node() -> None:
    nodes, tokens = np.array([0, 0, 1]), np.array([5, 5, 5])
    parents, new, lanes = separate(nodes, tokens)
    assert (parents.tolist(), new.tolist(), lanes.tolist()) == ([0, 0, 1], [5, 5, 5], [0, 1, 2])


def test_grid_columns_rank_members_within_their_group() -> None:
    assert grid_columns(np.array([2, 0, 2, 1, 0, 2])).tolist() == [0, 0, 1, 0, 1, 2]
