"""What arrives at an item, against the inverse written out; a label that is said to turn an answer turns it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.propagate import (
    ALPHA,
    item_posterior,
    loo_scores,
    make_seeds,
    make_spreader,
    propagate_masses,
    seed_values,
    without_items,
)
from kgkt.transfer import explain
from kgkt.values import ConceptGraph, Labels

N, K = 200, 24
UNIFORM = np.full(3, 1 / 3)


def world(seed: int = 0, off: tuple[int, ...] = ()) -> tuple[ConceptGraph, csr_matrix, Labels]:
    """A random graph of two parts that no edge joins: concepts 0 to 19, and 20 to 23; 12 labels and 3 ticks."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in range(K) for b in range(a + 1, K) if (a < 20) == (b < 20) and (rng.random() < 0.3 or b == a + 1)]
    edges = np.array(pairs)
    active = np.ones(K, bool)
    active[list(off)] = False
    names = np.array([f"c{i}" for i in range(K)], object)
    graph = ConceptGraph(names, names, np.zeros((K, 2)), np.ones(K), active, edges, rng.random(len(edges)) + 0.1,
                         np.zeros(len(edges)), np.zeros(K))  # fmt: skip
    first = [rng.choice(range(20) if i < 180 else range(20, 24), 3, replace=False) for i in range(N)]
    strength = -np.sort(-rng.dirichlet(np.ones(3), N), axis=1)
    Z = csr_matrix((strength.ravel(), np.concatenate(first), np.arange(0, 3 * N + 1, 3)), shape=(N, K))
    items = rng.choice(180, 15, replace=False)
    return graph, Z, Labels(items[:12], rng.permutation(12) % 3, ("a", "b", "c"), items[12:], np.array([0, 0, 2]))


def inverse(graph: ConceptGraph, alpha: float = ALPHA) -> np.ndarray:
    """(k, k) (I - alpha S)^-1 with S = D^-1/2 E D^-1/2 of the active concepts, 0 elsewhere."""
    E = np.zeros((K, K))
    for (a, b), weight in zip(graph.edges, graph.weights, strict=True):
        if graph.active[a] and graph.active[b]:
            E[a, b] = E[b, a] = weight
    degree = E.sum(axis=1)
    scale = np.where(degree > 0, degree, np.inf) ** -0.5
    return np.linalg.inv(np.eye(K) - alpha * scale[:, None] * E * scale) * np.outer(graph.active, graph.active)


@pytest.mark.parametrize("off", [(), (0, 3, 7)])
def test_shares_are_those_of_the_inverse_and_sum_to_one(off: tuple[int, ...]) -> None:
    graph, Z, labels = world(off=off)
    spreader, seeds = make_spreader(graph), make_seeds(labels)
    counts = np.bincount(seeds.columns)
    whole = Z.toarray() @ inverse(graph) @ Z.toarray().T
    for item in (0, 50, 111):
        expected = np.array([whole[item, other] / counts[column]
                             for other, column in zip(seeds.items, seeds.columns, strict=True)])  # fmt: skip
        arriving = explain.hear(spreader, Z, seeds, item)
        np.testing.assert_allclose(arriving, expected, rtol=1e-9, atol=1e-12)
        found = explain.shares(arriving)
        assert found.sum() == pytest.approx(1)
        np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-9)


def test_what_arrives_sums_to_what_propagation_gives() -> None:
    graph, Z, labels = world()
    spreader, seeds = make_spreader(graph), make_seeds(labels)
    G, _ = propagate_masses(spreader, Z, seeds)
    for item in range(0, N, 17):
        by_class = np.bincount(seeds.columns, weights=explain.hear(spreader, Z, seeds, item), minlength=seeds.width)
        np.testing.assert_allclose(by_class, (Z[item] @ G).ravel(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("prior", [None, UNIFORM])
def test_the_concepts_answer_is_that_of_the_teacher(prior: np.ndarray | None) -> None:
    graph, Z, labels = world()
    spreader, seeds = make_spreader(graph), make_seeds(labels)
    P, reached = item_posterior(Z, propagate_masses(spreader, Z, seeds)[0], prior, 3)
    for item in range(0, N, 17):
        answer = explain.concepts_answer(spreader, Z, seeds, item, prior)
        assert answer.sum() == pytest.approx(float(reached[item]))
        if reached[item]:
            np.testing.assert_allclose(answer, P[item], rtol=1e-9)
    assert not reached[190]
    assert not explain.concepts_answer(spreader, Z, seeds, 190, prior).any()


def test_a_labelled_item_hears_the_others_only() -> None:
    graph, Z, labels = world()
    alone = dataclasses.replace(labels, tick_items=np.array([], int), tick_classes=np.array([], int))
    spreader, seeds = make_spreader(graph), make_seeds(alone)
    scores = loo_scores(spreader, Z, alone)
    for row, item in enumerate(alone.items.tolist()):
        others = without_items(seeds, item)
        assert (len(others.items), others.width) == (11, 3)
        by_class = np.bincount(others.columns, weights=explain.hear(spreader, Z, others, item), minlength=3)
        np.testing.assert_allclose(by_class, scores[row], rtol=1e-9)
    ticked = int(labels.tick_items[0])
    assert ticked not in without_items(make_seeds(labels), ticked).items


def test_nothing_arrives_where_no_label_reaches() -> None:
    graph, Z, labels = world()
    spreader, seeds = make_spreader(graph), make_seeds(labels)
    assert not explain.shares(explain.hear(spreader, Z, seeds, 195)).any()
    off = make_spreader(dataclasses.replace(graph, active=~np.isin(np.arange(K), Z[5].indices)))
    assert not explain.hear(off, Z, seeds, 5).any()


def exemplars_of(Z: csr_matrix) -> list[np.ndarray]:
    return [np.argsort(-Z[:, [j]].toarray().ravel(), kind="stable")[:4] for j in range(K)]


def turns(graph: ConceptGraph, Z: csr_matrix, labels: Labels, item: int, member: int, wanted: int, prior: np.ndarray | None) -> bool:
    """Whether the concepts call an item `wanted` once a member of the pool is labelled so."""
    more = dataclasses.replace(labels, items=np.append(labels.items, member), classes=np.append(labels.classes, wanted))
    G, _ = propagate_masses(make_spreader(graph), Z, make_seeds(more))
    return bool(item_posterior(Z, G, prior, 3)[0][item].argmax() == wanted)


@pytest.mark.parametrize("prior", [None, UNIFORM])
def test_the_label_that_turns_an_answer_turns_it(prior: np.ndarray | None) -> None:
    turned = kept = 0
    for seed in range(2):
        graph, Z, labels = world(seed)
        spreader, seeds = make_spreader(graph), make_seeds(labels)
        taken = np.concatenate([labels.items, labels.tick_items])
        for item in range(0, 180, 9):
            wanted = int(explain.concepts_answer(spreader, Z, seeds, item, prior)[:3].argsort()[-2])
            members = explain.members_to_label(spreader, Z, exemplars_of(Z), taken, item)
            found = explain.label_that_turns(spreader, Z, seeds, item, wanted, members, prior)
            says = [turns(graph, Z, labels, item, member, wanted, prior) for _, member in members]
            assert found == (members[says.index(True)] if any(says) else None)
            turned, kept = turned + (found is not None), kept + (found is None)
    assert turned > 5
    assert kept > 3


def test_no_member_turns_what_the_loudest_does_not() -> None:
    graph, Z, labels = world(4)
    spreader, seeds = make_spreader(graph), make_seeds(labels)
    taken = np.concatenate([labels.items, labels.tick_items])
    outcomes = set()
    for item in range(0, 180, 30):
        for wanted in range(3):
            members = explain.members_to_label(spreader, Z, exemplars_of(Z), taken, item)
            free = np.setdiff1d(np.flatnonzero(np.diff(Z[:, Z[item].indices].tocsr().indptr)), np.append(taken, item))
            any_does = any(turns(graph, Z, labels, item, int(one), wanted, None) for one in free)
            found = explain.label_that_turns(spreader, Z, seeds, item, wanted, members)
            assert (found is not None) == any_does
            outcomes.add(any_does)
    assert outcomes == {True, False}


def test_members_to_label_are_free_and_of_active_concepts() -> None:
    graph, Z, _ = world()
    first, second, third = Z[40].indices.tolist()
    spreader = make_spreader(dataclasses.replace(graph, active=np.arange(K) != second))
    exemplars = exemplars_of(Z)
    taken = exemplars[first][:2]
    members = explain.members_to_label(spreader, Z, exemplars, taken, 40)
    assert members[0] == (first, next(one for one in exemplars[first].tolist() if one not in (40, *taken)))
    assert {concept for concept, _ in members} == {first, third}
    assert not {40, *taken.tolist()} & {member for _, member in members}
    assert all(Z[member, concept] > 0 for concept, member in members)
    nothing = make_spreader(dataclasses.replace(graph, active=~np.isin(np.arange(K), Z[40].indices)))
    assert explain.members_to_label(nothing, Z, exemplars, taken, 40) == []


def test_nearest_labelled_items_by_cosine() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    vectors[3] = 0
    items = np.array([7, 3, 9, 20, 11])
    index, distance = explain.nearest_labelled(vectors, items, 9, 3)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    apart = 1 - unit[items] @ unit[9]
    apart[2] = np.inf
    assert index.tolist() == np.argsort(apart)[:3].tolist()
    np.testing.assert_allclose(distance, np.sort(apart)[:3], rtol=1e-5)
    assert explain.nearest_labelled(vectors, items, 3, 9)[1].tolist() == [1, 1, 1, 1]
    assert explain.nearest_labelled(vectors, items[:1], 7, 9)[0].tolist() == []


def test_seed_values_hold_after_one_is_left_out() -> None:
    _, _, labels = world()
    seeds = make_seeds(labels)
    ticked_c = int(labels.tick_items[2])  # the only tick of its class: its column stays, and is empty
    others = without_items(seeds, ticked_c)
    assert others.width == seeds.width
    assert 4 not in others.columns
    assert seed_values(others).sum() == pytest.approx(4)  # one for each column that has a seed
