"""The teacher on digits: what each part adds, ticks, switches, priors, the item part against closed forms."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.sparse import block_diag, csr_matrix

from kgkt.concepts import cluster, edges, embed
from kgkt.concepts.propagate import Seeds, make_seeds, normalise
from kgkt.errors import InputError, UsageError
from kgkt.transfer import items, teacher
from kgkt.values import ConceptGraph, Labels

NAMES = tuple("0123456789")
UNIFORM = np.full(10, 0.1)


@pytest.fixture(scope="module")
def world(digits):
    """A graph of the digits' pixels: graph, Z, head features, neighbours, y."""
    X = digits.pool_x.reshape(len(digits.pool_x), -1)
    vectors = embed.apply_map(X, *embed.whiten(X))
    clustering = cluster.fit_local(vectors, 60, 0)
    pairs, weights = edges.bridge_edges(clustering.memberships)
    graph = ConceptGraph(
        keys=np.arange(60).astype(object), names=np.arange(60).astype(object), centroids=clustering.centroids,
        sizes=clustering.sizes, active=np.ones(60, bool), edges=pairs, weights=weights,
        cosines=edges.centroid_cosines(clustering.centroids, pairs), themes=np.zeros(60, int),
    )  # fmt: skip
    A = items.neighbour_graph(items.nearest_items(vectors), vectors)
    return graph, clustering.memberships, embed.head_features(X), A, digits.pool_y


def draw(y, per_class, seed):
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.choice(np.flatnonzero(y == c), per_class, replace=False) for c in range(10)])
    return Labels(rows, y[rows], NAMES)


@pytest.mark.parametrize("spread", teacher.SPREADS)
def test_two_labels_a_class_teach_most_of_the_pool(world, spread):
    graph, Z, head, A, y = world
    found = []
    for seed in range(5):
        labels = draw(y, 2, seed)
        targets = teacher.teach(graph, Z, labels, head, spread=spread, prior=UNIFORM, neighbours=A)
        found.append(np.mean(targets.P.argmax(axis=1) == y))
        np.testing.assert_allclose(targets.P.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(targets.P[labels.items].argmax(axis=1), labels.classes)
        assert (targets.P[labels.items].max(axis=1) == 1).all()
    assert np.mean(found) > 0.82  # pixels; a logistic head on the labels alone has about 0.70


def test_rounds_help_over_the_graph_alone(world):
    graph, Z, head, _, y = world
    gains = []
    for seed in range(8):
        labels = draw(y, 2, seed)
        plain = teacher.teach(graph, Z, labels, head, prior=UNIFORM, n_rounds=0)
        full = teacher.teach(graph, Z, labels, head, prior=UNIFORM)
        gains.append(np.mean(full.P.argmax(axis=1) == y) - np.mean(plain.P.argmax(axis=1) == y))
    assert np.mean(gains) > 0.01


def test_the_same_input_gives_the_same_targets(world):
    graph, Z, head, A, y = world
    one, two = (teacher.teach(graph, Z, draw(y, 1, 3), head, spread="both", neighbours=A) for _ in range(2))
    np.testing.assert_array_equal(one.P, two.P)


def test_switched_off_concepts_teach_nothing(world):
    graph, Z, head, _, y = world
    off = np.zeros(60, bool)
    off[:30] = True
    labels = draw(y, 2, 0)
    targets = teacher.teach(dataclasses.replace(graph, active=~off), Z, labels, head)
    dark = np.asarray(Z[:, ~off].sum(axis=1)).ravel() <= 0
    assert dark.sum() > 20
    assert 0 < dark[labels.items].sum() < len(labels)  # what people said of single items is not learned either
    np.testing.assert_array_equal(targets.weight[dark], 0)
    np.testing.assert_allclose(targets.P[dark], 0.1, rtol=1e-6)
    assert (targets.mass[off] == 0).all()
    assert (targets.weight[labels.items[~dark[labels.items]]] == 1).all()


def merge(y, kept, other, seed):
    """Digits where `other` is called `kept` too: five labels a class, one of `kept`; names and an item of `other`."""
    rng = np.random.default_rng(seed)
    classes = [c for c in range(10) if c != other]
    rows = np.concatenate([rng.choice(np.flatnonzero(y == c), 1 if c == kept else 5, replace=False) for c in classes])
    names = tuple(str(c) for c in classes)
    return Labels(rows, [classes.index(c) for c in y[rows]], names), rng.choice(np.flatnonzero(y == other))


def test_a_tick_empties_the_sub_concept(world):
    graph, Z, head, _, y = world
    left, lost = [], []
    for seed, (kept, other) in enumerate([(1, 8), (3, 9), (4, 6), (2, 7), (5, 0)]):
        labels, example = merge(y, kept, other, seed)
        place = labels.names.index(str(kept))
        before = teacher.teach(graph, Z, labels, head)
        ticks = dataclasses.replace(labels, tick_items=[example], tick_classes=[place])
        after = teacher.teach(graph, Z, ticks, head)
        left.append([np.mean(t.P[y == other].argmax(axis=1) == place) for t in (before, after)])
        lost.append(np.mean(after.P[y == kept].argmax(axis=1) != place))
        won = after.ticked == place
        np.testing.assert_array_equal(after.P[won][:, place], 0)
        np.testing.assert_allclose(np.delete(after.P[won], place, axis=1), 1 / 8, rtol=1e-5)
    before, after = np.mean(left, axis=0)
    assert before > 0.2
    assert after < 0.2  # of pixels; the demo measures it on features of a trained A
    assert np.mean(lost) < 0.4


def test_masses_of_reached_concepts_sum_to_one(world):
    graph, Z, head, _, y = world
    targets = teacher.teach(graph, Z, draw(y, 2, 0), head)
    np.testing.assert_allclose(targets.mass.sum(axis=1), 1, rtol=1e-9)


def test_unknown_spread_names_the_nearest(world):
    graph, Z, head, _, y = world
    with pytest.raises(UsageError, match="did you mean items"):
        teacher.teach(graph, Z, draw(y, 1, 0), head, spread="item")


def test_priors_are_checked():
    assert teacher.read_prior(None, False, ("a", "b")) is None
    np.testing.assert_allclose(teacher.read_prior(None, True, ("a", "b")), [0.5, 0.5])
    np.testing.assert_allclose(teacher.read_prior({"b": 0.25, "a": 0.75}, False, ("a", "b")), [0.75, 0.25])
    with pytest.raises(InputError, match="did you mean cat"):
        teacher.read_prior({"catt": 1.0}, False, ("cat", "dog"))
    with pytest.raises(InputError, match="nothing for b"):
        teacher.read_prior({"a": 1.0}, False, ("a", "b"))
    with pytest.raises(UsageError, match="not both"):
        teacher.read_prior({"a": 1.0}, True, ("a",))


def test_neighbours_are_the_nearest_others():
    vectors = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    index = items.nearest_items(vectors, 4)
    distance = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    np.testing.assert_array_equal(np.sort(index, axis=1), np.sort(np.argsort(distance, axis=1)[:, :4], axis=1))
    A = items.neighbour_graph(index, vectors).toarray()
    np.testing.assert_array_equal(A, A.T)
    assert ((A > 0).sum(axis=1) >= 4).all()
    i, j = 0, index[0, 0]
    far = np.sort(distance, axis=1)[:, 3]
    ends = [np.exp(-2 * distance[i, j] / far[i]), np.exp(-2 * distance[i, j] / far[j]) if i in index[j] else 0.0]
    np.testing.assert_allclose(A[i, j], np.mean(ends), rtol=1e-5)


def test_items_that_are_equal_have_whole_edges():
    vectors = np.tile(np.array([[1.0, 0.0]], np.float32), (5, 1))
    A = items.neighbour_graph(np.array([[1, 2], [0, 2], [0, 1], [4, 0], [3, 0]]), vectors).toarray()
    assert A[0, 1] == 1.0
    assert A[0, 3] == 0.5  # one end lists the other
    assert np.isfinite(A).all()


def test_classes_of_known_size_end_with_that_size():
    """Two rings joined by a bridge, 30 and 10 items: the label in the large one may not run over into the small."""
    n = 40
    A = np.zeros((n, n))
    for first, size in ((0, 30), (30, 10)):
        for i in range(size):
            A[first + i, first + (i + 1) % size] = A[first + (i + 1) % size, first + i] = 1
    A[29, 30] = A[30, 29] = 1
    seeds = make_seeds(Labels([28, 35], [0, 1], ("a", "b")))
    flat = np.full((n, 2), 0.5) + np.linspace(-0.01, 0.01, n)[:, None] * [[-1, 1]]
    for shares in ((0.75, 0.25), (0.5, 0.5)):
        P = items.volume_answer(csr_matrix(A), seeds, np.array(shares), flat)
        np.testing.assert_allclose(P.sum(axis=1), 1)
        held = normalise(P, np.array(shares), 2)  # as the mean of the factors is
        assert abs((held.argmax(axis=1) == 1).sum() - shares[1] * n) <= 2
        assert P[28].tolist() == [1, 0]
        assert P[35].tolist() == [0, 1]
    exact = items.volume_answer(csr_matrix(A), seeds, np.array([0.75, 0.25]), flat)
    assert (exact[30:].argmax(axis=1) == 1).all()


def test_known_sizes_are_one_more_factor(world):
    graph, Z, head, A, y = world
    gains = []
    for seed in range(8):
        labels = draw(y, 1, seed)
        free = np.setdiff1d(np.arange(len(y)), labels.items)
        told, untold = (
            teacher.teach(graph, Z, labels, head, spread="both", prior=prior, neighbours=A).P for prior in (UNIFORM, None)
        )
        gains.append(np.mean((told.argmax(axis=1) == y)[free]) - np.mean((untold.argmax(axis=1) == y)[free]))
    assert np.mean(gains) > 0.02


def test_poisson_learning_solves_the_laplace_equation():
    rng = np.random.default_rng(0)
    A = np.triu(rng.random((30, 30)) < 0.3, 1).astype(float)
    A = A + A.T
    seeds = make_seeds(Labels([0, 1, 2], [0, 1, 1], ("a", "b")))
    source = np.zeros((30, 2))
    source[0] = np.array([1, 0]) - 0.5
    source[[1, 2]] = (np.array([0, 1]) - 0.5) / 2
    L = np.diag(A.sum(axis=1)) - A
    u = np.linalg.pinv(L) @ source
    u -= (A.sum(axis=1) @ u / A.sum())[None]
    u -= u.mean(axis=1, keepdims=True)
    expected = np.exp(2 * u / u.std())
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(items.poisson(csr_matrix(A), seeds), expected, atol=1e-4)


def test_smoothing_keeps_seeds_and_moves_towards_neighbours():
    A = csr_matrix(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], float))
    P = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]])
    out = items.smooth(P, A, Seeds(np.array([0]), np.array([1]), np.zeros(0, int), 2))
    assert out[0].tolist() == [0, 1]
    assert out[1, 1] > out[2, 1] > 0.5


def test_items_that_nothing_reaches_keep_their_row():
    A = csr_matrix(np.ones((3, 3)) - np.eye(3))
    P = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])
    seeds = Seeds(np.array([0, 1]), np.array([0, 1]), np.zeros(0, int), 2)
    out = items.item_answer(P, np.array([True, True, False]), A, seeds, None)
    np.testing.assert_array_equal(out[2], [0.5, 0.5])


def test_the_outcome_of_the_rounds_is_smoothed_over_the_nearest_items(world):
    graph, Z, head, A, y = world
    gains = []
    for seed in range(8):
        labels = draw(y, 2, seed)
        seeds = make_seeds(labels)
        first = teacher.teach(graph, Z, labels, head, spread="both", prior=UNIFORM, neighbours=A, n_rounds=0)
        rounds = teacher.refit_rounds(first.P, head, UNIFORM, 10)
        full = teacher.teach(graph, Z, labels, head, spread="both", prior=UNIFORM, neighbours=A)
        by_hand = normalise(items.smooth(rounds, A, seeds), UNIFORM, 10)
        unlabelled = np.setdiff1d(np.arange(len(y)), labels.items)
        assert (full.P.argmax(axis=1) == by_hand.argmax(axis=1))[unlabelled].mean() > 0.99
        gains.append(np.mean((full.P.argmax(axis=1) == y)[unlabelled]) - np.mean((rounds.argmax(axis=1) == y)[unlabelled]))
    assert np.mean(gains) > 0


def test_smoothing_leaves_out_what_nothing_reaches():
    A = csr_matrix(np.ones((3, 3)) - np.eye(3))
    P = np.array([[0.9, 0.1], [0.6, 0.4], [0.0, 1.0]])
    seeds = Seeds(np.array([0]), np.array([0]), np.zeros(0, int), 2)
    out = items.smooth_answer(P, np.array([True, True, False]), A, seeds, None)
    np.testing.assert_array_equal(out[2], [0, 1])
    # item 1 hears item 0 alone: .8 * (1, 0) + .2 of its own start
    np.testing.assert_allclose(out[1], [0.92, 0.08])
    np.testing.assert_array_equal(items.smooth_answer(P, np.zeros(3, bool), A, seeds, None), P)
    half = items.smooth_answer(P, np.array([True, True, False]), A, seeds, None, 0.5)[1]  # a geometric mean
    np.testing.assert_allclose(half[0] / half[1], (0.92 / 0.08 * 0.6 / 0.4) ** 0.5)


@pytest.mark.parametrize(("weight", "share"), [(0, 1), (1, 1), (1.25, 0.75), (2, 0)])
def test_the_last_smoothing_fades_as_labels_trust_the_head(weight, share):
    assert teacher.smoothed_share({"head": weight, "prototypes": 0.5}) == share


def test_classes_that_directions_tell_apart_are_not_smoothed_away():
    from sklearn.datasets import load_iris

    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    vectors = embed.apply_map(X, *embed.whiten(X))
    clustering = cluster.fit_local(vectors, 20, 0)
    A = items.neighbour_graph(items.nearest_items(vectors), vectors)
    right = {"auto": [], "none": []}
    for seed in range(8):
        rng = np.random.default_rng(seed)
        told = np.concatenate([rng.choice(np.flatnonzero(y == c), 20, replace=False) for c in range(3)])
        for expert in right:
            P = teacher.teach(
                edges.unnamed_graph(clustering), clustering.memberships, Labels(told, y[told], ("a", "b", "c")),
                embed.head_features(X), spread="both", expert=expert, neighbours=A,
            ).P  # fmt: skip
            right[expert].append(np.delete(P.argmax(axis=1) == y, told).mean())
    assert np.mean(right["auto"]) > np.mean(right["none"]) + 0.03


@pytest.mark.parametrize("spread", teacher.SPREADS)
def test_the_expert_goes_with_every_spread(world, spread):
    graph, Z, head, A, y = world
    labels = draw(y, 1, 3)
    plain, expert = (
        teacher.teach(graph, Z, labels, head, spread=spread, expert=e, neighbours=A).P for e in ("none", "prototypes")
    )
    assert np.abs(plain - expert).max() > 0.1
    assert np.mean(expert.argmax(axis=1) == y) > 0.6
    with pytest.raises(UsageError, match="expert 'prototype'; did you mean prototypes"):
        teacher.teach(graph, Z, labels, head, spread=spread, expert="prototype", neighbours=A)


def test_switched_off_items_have_no_part_in_what_the_experts_say(world):
    graph, Z, head, A, y = world
    labels = draw(y, 2, 0)
    active = graph.active.copy()
    active[np.setdiff1d(np.arange(len(active)), Z[labels.items].indices)] = False
    dark = np.asarray(Z[:, active].sum(axis=1)).ravel() == 0
    assert dark.sum() > 10
    far = head.copy()
    far[dark] = 100.0
    one, other = (
        teacher.teach(dataclasses.replace(graph, active=active), Z, labels, features, spread="both", neighbours=A)
        for features in (head, far)
    )
    np.testing.assert_array_equal(one.P, other.P)
    for expert in one.experts[1:]:
        np.testing.assert_allclose(expert.P[dark], 0.1)


def test_ten_labels_a_class_are_never_worse_told_by_more_experts(world):
    graph, Z, head, A, y = world
    alone, auto = [], []
    for seed in range(4):
        labels = draw(y, 10, seed)
        free = np.setdiff1d(np.arange(len(y)), labels.items)
        for name, right in (("none", alone), ("auto", auto)):
            told = teacher.teach(graph, Z, labels, head, spread="both", prior=UNIFORM, neighbours=A, expert=name)
            right.append(np.mean(told.P[free].argmax(axis=1) == y[free]))
            share, low, high = told.expected_accuracy
            assert low < share < high
    assert np.mean(auto) > np.mean(alone) - 0.005


def test_a_class_that_is_switched_off_leaves_its_share_to_the_named_ones():
    P = np.array([[0.6, 0.0, 0.3, 0.1], [0.2, 0.0, 0.7, 0.1], [0.4, 0.0, 0.5, 0.1]])  # class 1 is off, 3 is a tick's
    out = normalise(P, np.full(3, 1 / 3), 3)
    np.testing.assert_allclose(out.sum(axis=1), 1)
    assert out[:, 3].sum() == pytest.approx(0.3, abs=0.05)  # not everything
    assert out[:, 0].sum() == pytest.approx(out[:, 2].sum())
    assert (out[:, 1] == 0).all()


@pytest.mark.parametrize("spread", teacher.SPREADS)
def test_a_tick_beside_a_class_that_is_switched_off_takes_a_few_items_only(world, spread):
    graph, Z, head, A, y = world
    labels = draw(y, 2, 0)
    active = graph.active.copy()
    active[Z[labels.items[labels.classes == 3]].indices] = False
    tick = np.flatnonzero(y == 8)[:1]
    labels = Labels(labels.items, labels.classes, NAMES, tick, np.array([9]))
    targets = teacher.teach(
        dataclasses.replace(graph, active=active), Z, labels, head, spread=spread, prior=UNIFORM, neighbours=A
    )  # fmt: skip
    free = (targets.weight > 0) & (y != 3)
    assert np.mean(targets.P[free].argmax(axis=1) == y[free]) > 0.7
    assert (targets.ticked >= 0).sum() < 60


def test_poisson_learning_bears_isolated_items_and_weak_pairs():
    weak = csr_matrix(([0.05, 0.05, 1.0, 1.0], ([0, 1, 2, 3], [1, 0, 3, 2])), shape=(5, 5))
    seeds = Seeds(np.array([0, 2, 4]), np.array([0, 1, 1]), np.zeros(0, int), 2)  # item 4 is alone, and labelled
    P = items.poisson(weak, seeds)
    assert P[[0, 2]].argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_allclose(P[4], 0.5)


def ring(n):
    """A circle of n items, each joined to the two beside it."""
    return csr_matrix(np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0))


@pytest.mark.parametrize("each", [1, 3])
def test_poisson_learning_keeps_a_class_to_the_components_that_it_has_labels_in(each):
    A = block_diag([ring(60), ring(60), ring(20), ring(10)]).tocsr()
    at = [*range(each), *range(60, 60 + each), *range(90, 90 + each), *range(120, 120 + each)]
    P = items.poisson(A, Seeds(np.array(at), np.repeat([0, 1, 2, 0], each), np.zeros(0, int), 3))
    assert (P[:60].argmax(axis=1) == 0).all()  # however far from the label
    assert (P[120:140].argmax(axis=1) == 0).all()
    assert (P[:60, 1:] > 0).all()  # a class may have been overlooked here
    likely = np.array([(each + 0.4) / (2 * each + 1), 0.4 / (each + 1), 0.4 / (each + 1)])  # .4: its part of the graph
    np.testing.assert_allclose(P[:60], np.tile(likely / likely.sum(), (60, 1)))
    assert set(P[60:120].argmax(axis=1)) == {1, 2}
    np.testing.assert_allclose(P[140:], 1 / 3)  # nobody said anything here
    np.testing.assert_allclose(P.sum(axis=1), 1)


@pytest.mark.parametrize(("classes", "few", "told"), [(20, 0, True), (21, 0, False), (20, 3, True), (20, 6, False)])
def test_how_many_are_right_is_not_foretold_of_many_classes_or_many_with_few_labels(classes, few, told):
    y = np.repeat(np.arange(classes), 8)
    X = (np.random.default_rng(0).normal(size=(len(y), 24)) + 4 * np.eye(24)[y]).astype(np.float32)
    vectors = embed.apply_map(X, *embed.whiten(X))
    clustering = cluster.fit_local(vectors, 25, 0)
    A = items.neighbour_graph(items.nearest_items(vectors), vectors)
    many = np.where(np.arange(classes) < few, 2, 5)
    chosen = np.flatnonzero(np.arange(len(y)) % 8 < many[y])
    labels = Labels(chosen, y[chosen], tuple(map(str, range(classes))))
    targets = teacher.teach(
        edges.unnamed_graph(clustering), clustering.memberships, labels, embed.head_features(X), spread="both", neighbours=A
    )
    assert (targets.expected_accuracy is not None) == told
