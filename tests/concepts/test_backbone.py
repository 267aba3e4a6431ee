"""Which edges a picture of the concepts shows."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from kgkt.concepts.backbone import LEVEL, backbone


def _star_and_ring(spokes: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Concept 0 with spokes to all others, three of them heavy, and a ring of equal edges around."""
    rim = np.arange(1, spokes + 1)
    star = np.stack([np.zeros_like(rim), rim], axis=1)
    ring = np.stack([rim, np.roll(rim, -1)], axis=1)
    weights = np.concatenate([np.where(rim <= 3, 30.0, 0.5), np.full(spokes, 4.0)])
    return np.concatenate([star, np.sort(ring, axis=1)]), weights


def _slow(edges: np.ndarray, weights: np.ndarray) -> set[int]:
    """The disparity filter at LEVEL, edge by edge as the paper has it."""
    kept = set()
    for n, (a, b) in enumerate(edges):
        for end in (a, b):
            mine = (edges == end).any(axis=1)
            if (1 - weights[n] / weights[mine].sum()) ** (mine.sum() - 1) < LEVEL:
                kept.add(n)
    return kept


def test_kept_are_the_disparity_filter_and_the_strongest_two_of_each_concept():
    rng = np.random.default_rng(0)
    pairs = np.stack(np.triu_indices(40, 1), axis=1)
    edges = pairs[rng.choice(len(pairs), 300, replace=False)]
    weights = rng.lognormal(0, 2, 300)
    strongest = {
        int(n)
        for c in range(40)
        for n in sorted(np.flatnonzero((edges == c).any(axis=1)), key=lambda n: -weights[n])[:2]
    }
    assert set(backbone(edges, weights, 40, most=300).tolist()) == _slow(edges, weights) | strongest


def test_light_spokes_of_a_star_go_and_heavy_ones_stay():
    edges, weights = _star_and_ring()
    kept = backbone(edges, weights, 21)
    assert kept.tolist() == [0, 1, 2, *range(20, 40)]


def test_no_concept_with_an_edge_hangs_loose_and_the_bound_holds():
    graph = nx.barabasi_albert_graph(500, 8, seed=1)
    edges = np.array(graph.edges())
    weights = np.random.default_rng(1).pareto(1.5, len(edges)) + 0.1
    kept = backbone(edges, weights, 500)
    assert len(np.unique(edges[kept])) == 500
    assert len(kept) <= 2_000
    fewer = backbone(edges, weights, 500, most=600)
    assert len(fewer) == 600
    assert len(np.unique(edges[fewer])) == 500
    assert set(fewer.tolist()) <= set(backbone(edges, weights, 500, most=len(edges)).tolist())


@pytest.mark.parametrize("most", [0, 1, None])
def test_a_graph_of_no_edge_and_one_of_a_single_edge(most):
    assert backbone(np.zeros((0, 2), int), np.zeros(0), 3, most).tolist() == []
    assert backbone(np.array([[0, 2]]), np.array([5.0]), 3, most).tolist() == ([] if most == 0 else [0])


def test_edges_without_weight_and_loops_are_never_kept():
    edges = np.array([[0, 1], [0, 2], [1, 2], [2, 2]])
    assert backbone(edges, np.array([1.0, 0.0, np.nan, 9.0]), 3).tolist() == [0]
