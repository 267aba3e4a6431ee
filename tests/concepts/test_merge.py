"""Merged concepts are what populate would have made of them: the fold holds against the edges of the folded memberships."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import random as sparse_random

from kgkt.concepts.cluster import memberships, nearest_concept
from kgkt.concepts.edges import bridge_edges, centroid_cosines
from kgkt.concepts.effect import changed_items, concepts_say
from kgkt.concepts.merge import fold_graph, fold_memberships
from kgkt.concepts.propagate import item_posterior, make_seeds, make_spreader, propagate_masses
from kgkt.values import ConceptGraph, Labels

N, K = 60, 12


@pytest.fixture
def made():
    Z = sparse_random(N, K, 0.3, "csr", np.float32, np.random.default_rng(0))
    edges, weights = bridge_edges(Z)
    centroids = np.random.default_rng(1).normal(size=(K, 3)).astype(np.float32)
    graph = ConceptGraph(np.arange(K), np.arange(K), centroids, np.arange(K), np.ones(K, bool), edges, weights,
                         centroid_cosines(centroids, edges), np.zeros(K))  # fmt: skip
    return graph, Z


def folded_by(pairs: dict[int, int]) -> np.ndarray:
    return np.array([pairs.get(i, i) for i in range(K)])


def test_an_item_stays_nearest_to_its_concept_when_others_are_merged():
    """A fold puts each row in the order of the concepts' numbers, where the nearest one came first."""
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(200, 4)).astype(np.float32)
    Z, _ = memberships(vectors, vectors[:K])
    apart = nearest_concept(Z)
    folded = fold_memberships(Z, folded_by({3: 7}))
    now = nearest_concept(folded)
    np.testing.assert_array_equal(now, folded.toarray().argmax(axis=1))
    far = ~folded.toarray()[:, 7].astype(bool)
    np.testing.assert_array_equal(now[far], apart[far])
    assert far.sum() > 50


def test_edges_are_those_of_the_folded_memberships(made):
    graph, Z = made
    into = folded_by({3: 7, 5: 7, 11: 0})
    folded, there = fold_memberships(Z, into), fold_graph(graph, into)
    np.testing.assert_allclose(folded.toarray()[:, 7], Z.toarray()[:, [3, 5, 7]].sum(axis=1), rtol=1e-6)
    assert not folded.toarray()[:, [3, 5, 11]].any()
    edges, weights = bridge_edges(folded)
    np.testing.assert_array_equal(there.edges, edges)
    np.testing.assert_allclose(there.weights, weights, rtol=1e-6)
    assert np.flatnonzero(~there.active).tolist() == [3, 5, 11]
    assert (there.sizes[7], there.sizes[0], there.sizes[3]) == (15, 11, 0)
    np.testing.assert_allclose(there.centroids[7], np.average(graph.centroids[[3, 5, 7]], axis=0, weights=[3, 5, 7]), rtol=1e-5)
    np.testing.assert_array_equal(np.delete(there.centroids, [0, 7], axis=0), np.delete(graph.centroids, [0, 7], axis=0))


def test_all_in_one_has_no_edge_and_concepts_of_no_item_fold_too(made):
    graph, _ = made
    there = fold_graph(graph, np.zeros(K, int))
    assert (len(there.edges), there.active.sum(), there.sizes[0]) == (0, 1, graph.sizes.sum())
    empty = ConceptGraph(graph.keys, graph.names, graph.centroids, np.zeros(K), graph.active, np.empty((0, 2)), [], [], graph.themes)
    np.testing.assert_allclose(fold_graph(empty, folded_by({1: 0})).centroids[0], graph.centroids[:2].mean(axis=0), rtol=1e-6)


def test_what_the_concepts_say_is_their_posterior_with_what_people_said(made):
    graph, Z = made
    labels = Labels([0, 1, 2], [0, 1, 2], ("a", "b", "c"), [3, 4], [1, 0])
    spreader = make_spreader(graph)
    won, names = concepts_say(spreader, Z, labels)
    seeds = make_seeds(labels)
    P, reached = item_posterior(Z, propagate_masses(spreader, Z, seeds)[0], None, 3)
    told = [["a", "b", "c", "not a", "not b"][i] if r else "no class" for i, r in zip(P.argmax(axis=1), reached, strict=True)]
    told[:5] = ["a", "b", "c", "not b", "not a"]
    assert [names[i] for i in won] == told
    np.testing.assert_array_equal(concepts_say(make_spreader(graph, once=True), Z, labels)[0], won)
    none, before = concepts_say(None, Z, Labels([], [], ("c", "b")))
    assert {before[i] for i in none} == {"no class"}
    changed = changed_items((none, before), (won, names))
    assert changed == {name: told.count(name) for name in changed}
    assert sum(changed.values()) == N - told.count("no class")
    assert list(changed.values()) == sorted(changed.values(), reverse=True)
    assert changed_items((won, names), (won, names)) == {}
