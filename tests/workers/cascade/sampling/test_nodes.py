"""Lanes on nodes."""

import numpy as np

from workers.cascade.sampling.nodes import grid_columns, keep_places, separate, split


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


def test_most_nodes_stay_where_their_parents_were() -> None:
    """Parents 0, 2 and 4 go on, 2 with three children; 1 and 3 have ended."""
    parents = np.array([0, 2, 2, 2, 4])
    places = keep_places(parents)
    assert sorted(places.tolist()) == [0, 1, 2, 3, 4]
    assert places[[0, 1, 4]].tolist() == [0, 2, 4]


def test_a_parent_beyond_the_number_of_nodes_moves_to_a_gap() -> None:
    assert keep_places(np.array([1, 7])).tolist() == [1, 0]
    assert keep_places(np.array([5])).tolist() == [0]
