"""Each baseline against an independent call of its library, or a computation by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.propagate import Seeds, make_seeds
from kgkt.proof import baselines
from kgkt.transfer import head
from kgkt.transfer.items import nearest_items, neighbour_graph, poisson
from kgkt.transfer.prototypes import pt_map
from kgkt.values import Labels

PRIOR = np.full(10, 0.1)


def with_tick(labels: Labels, item: int, denied: int) -> Labels:
    return Labels(labels.items, labels.classes, labels.names, np.array([item]), np.array([denied]))


def test_nearest_mean_is_nearest_centroid_of_unit_rows(view, seeds) -> None:
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import normalize

    X = normalize(view.head.astype(float))
    P = baselines.nearest_mean(view.head, seeds)
    means = normalize([X[seeds.items[seeds.columns == j]].mean(axis=0) for j in range(10)])
    # on unit rows and unit means the largest cosine is the smallest distance
    assert (P.argmax(axis=1) == KNeighborsClassifier(1).fit(means, np.arange(10)).predict(X)).all()
    cosines = X @ means.T
    assert np.allclose(np.log(P[7] / P[7, 0]), 20 * (cosines[7] - cosines[7, 0]))


def test_random_forest_is_the_library_s(view, seeds) -> None:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(100, class_weight="balanced", random_state=3)
    model.fit(view.head[seeds.items], seeds.columns)
    assert np.array_equal(baselines.random_forest(view.head, seeds, seed=3), model.predict_proba(view.head))


def test_head_is_the_library_s_and_a_prior_balances_it(view, seeds) -> None:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10.0, tol=1e-3, max_iter=500).fit(view.head[seeds.items], seeds.columns)
    P = head.head(view.head, seeds)
    assert np.abs(P - model.predict_proba(view.head)).max() < 1e-6
    balanced = head.head(view.head, seeds, PRIOR)
    assert np.allclose(balanced.sum(axis=1), 1)
    assert np.abs(balanced.mean(axis=0) - 0.1).max() < 1e-3 < np.abs(P.mean(axis=0) - 0.1).max()


def test_tuned_c_is_the_library_s_grid_search(view, seeds) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    grid = GridSearchCV(
        LogisticRegression(max_iter=500, tol=1e-3), {"C": list(head.TUNED_C)},
        cv=StratifiedKFold(5, shuffle=True, random_state=0), scoring="neg_log_loss",
    ).fit(view.head[seeds.items], seeds.columns)  # fmt: skip
    scores = dict(zip(head.TUNED_C, grid.cv_results_["mean_test_score"], strict=True))
    assert scores[head.tuned_C(view.head, seeds)] == pytest.approx(max(scores.values()))


def test_tuned_c_has_nothing_to_tune_on_at_one_label(view, labels) -> None:
    one = Labels(labels.items[::5], labels.classes[::5], labels.names)
    assert head.tuned_C(view.head, make_seeds(one)) == head.HEAD_C


def test_label_spreading_is_the_library_s(view, seeds) -> None:
    from sklearn.semi_supervised import LabelSpreading

    given = np.full(len(view.vectors), -1)
    given[seeds.items] = seeds.columns
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.95, max_iter=1000).fit(view.vectors, given)
    assert np.allclose(baselines.label_spreading(view.vectors, seeds), model.label_distributions_)


def test_label_spreading_where_no_label_arrives_is_uniform() -> None:
    far = np.concatenate([np.eye(20)[np.zeros(15, int)], np.eye(20)[np.ones(15, int)]])
    P = baselines.label_spreading(far, Seeds(np.array([0]), np.array([1]), np.zeros(0, int), 4))
    assert P[3].argmax() == 1
    assert np.allclose(P[20], 0.25)


def test_nodes_only_by_hand() -> None:
    Z = csr_matrix(np.array([[1.0, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1], [0.2, 0.8, 0]]))
    seeds = Seeds(np.array([0, 2, 4]), np.array([0, 1, 1]), np.zeros(0, int), 2)
    # concepts: class 0 gets (1, 0, 0), class 1 half of (0, 1, 0) + (.2, .8, 0) = (.1, .9, 0)
    P = baselines.nodes_only(Z, seeds)
    assert np.allclose(P[0], [1 / 1.1, 0.1 / 1.1])
    assert np.allclose(P[1], np.array([0.5, 0.5]) / 1.0)
    assert np.allclose(P[2], [0, 1])
    assert np.allclose(P[3], [0.5, 0.5])


def test_shuffled_memberships_keep_the_rows(view) -> None:
    shuffled = baselines.shuffled_memberships(view.Z, 0)
    assert np.allclose(np.sort(shuffled.indices), np.sort(view.Z.indices))
    assert (abs(shuffled - view.Z)).max() > 0.1
    assert np.allclose(shuffled.sum(axis=0), view.Z.sum(axis=0), atol=1e-4)


def independent_pt_map(F: np.ndarray, items: np.ndarray, classes: np.ndarray, balanced: bool) -> np.ndarray:
    """Hu et al. 2021 with unit centres, written anew from squared distances."""

    def unit(rows: np.ndarray) -> np.ndarray:
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    F, c = unit(F), classes.max() + 1
    centres = unit(np.stack([F[items[classes == j]].mean(axis=0) for j in range(c)]))
    for step in range(21):
        P = np.exp(-10 * ((F[:, None] - centres[None]) ** 2).sum(axis=2))
        P /= P.sum(axis=1, keepdims=True)
        for _ in range(30 if balanced else 0):
            P *= (len(F) / c) / P.sum(axis=0)
            P /= P.sum(axis=1, keepdims=True)
        P[items] = np.eye(c)[classes]
        if step < 20:
            centres = unit(0.7 * centres + 0.3 * unit(P.T @ F))
    return P


@pytest.mark.parametrize("balanced", [True, False])
def test_pt_map_against_an_independent_one(view, seeds, balanced: bool) -> None:
    P = pt_map(view.head, seeds, PRIOR if balanced else None)
    again = independent_pt_map(view.head.astype(float), seeds.items, seeds.columns, balanced)
    assert np.abs(P - again).max() < 1e-6


def test_poisson_learning_is_graphlearning_s(view, seeds) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    A = neighbour_graph(nearest_items(view.vectors), view.vectors)
    model = graphlearning.ssl.poisson(A, tol=1e-8)
    theirs = model.fit_predict(seeds.items, seeds.columns)
    ours = poisson(A, seeds).argmax(axis=1)  # with as many labels a class, counts divide alike
    assert np.mean(ours == theirs) > 0.995
    assert len(np.unique(ours)) == 10


def test_poisson_mbo_is_a_call_of_graphlearning_with_the_true_shares(digits, view, seeds) -> None:
    graphlearning = pytest.importorskip("graphlearning")
    shares = np.bincount(digits.pool_y) / len(digits.pool_y)
    P = baselines.poisson_mbo(view.vectors, nearest_items(view.vectors), seeds, shares)
    found = graphlearning.weightmatrix.knnsearch(view.vectors.astype(float), 11, method="brute")
    W = graphlearning.weightmatrix.knn(None, 10, knn_data=found)
    theirs = graphlearning.ssl.poisson_mbo(W, shares).fit_predict(seeds.items, seeds.columns)
    assert (P.sum(axis=1) == 1).all()
    assert np.mean(P.argmax(axis=1) == theirs) > 0.99  # neighbours at equal distance may come in another order
    assert np.abs(P.mean(axis=0) - shares).max() < 0.02


def test_every_method_beats_chance_by_far_and_keeps_its_labels(digits, view, seeds, labels) -> None:
    answers = {
        "nearest mean": baselines.nearest_mean(view.head, seeds),
        "forest": baselines.random_forest(view.head, seeds),
        "head": head.head(view.head, seeds, PRIOR),
        "spreading": baselines.label_spreading(view.vectors, seeds, PRIOR),
        "nodes": baselines.nodes_only(view.Z, seeds, PRIOR),
        "PT-MAP": pt_map(view.head, seeds, PRIOR),
    }
    for name, P in answers.items():
        assert np.allclose(P.sum(axis=1), 1), name
        P = baselines.answer(P, seeds, labels)
        assert (P[labels.items].argmax(axis=1) == labels.classes).all(), name
        assert P[labels.items].max(axis=1).min() == 1, name
        assert (P.argmax(axis=1) == digits.pool_y).mean() > 0.6, name


def test_a_tick_is_a_hidden_class_of_every_method(digits, view, labels) -> None:
    """Classes 3 and 5 share label 3; a tick on one item of class 5 denies it that label."""
    merged = np.where(labels.classes == 5, 3, labels.classes)
    keep = labels.classes != 5
    tick = int(labels.items[labels.classes == 5][0])
    ticked = with_tick(Labels(labels.items[keep], merged[keep], labels.names), tick, 3)
    seeds = make_seeds(ticked)
    assert seeds.width == 11
    for P in (
        baselines.nearest_mean(view.head, seeds),
        head.head(view.head, seeds),
        pt_map(view.head, seeds),
        baselines.nodes_only(view.Z, seeds),
        baselines.label_spreading(view.vectors, seeds),
    ):
        assert P.shape == (600, 11)
        won = P.argmax(axis=1) == 10
        assert won[tick]
        assert 0 < won.sum() < 300
        out = baselines.answer(P, seeds, ticked)
        assert out.shape == (600, 10)
        assert np.allclose(out[won & (np.arange(600) != tick), 3], 0)
        assert np.allclose(out[tick], np.where(np.arange(10) == 3, 0, 1 / 9))
        assert np.allclose(out.sum(axis=1), 1)


def test_a_class_without_label_gets_nothing(view) -> None:
    labels = Labels(np.array([0, 1, 2]), np.array([0, 0, 2]), ("a", "b", "c"))
    seeds = make_seeds(labels)
    for P in (
        baselines.nearest_mean(view.head, seeds),
        baselines.random_forest(view.head, seeds),
        head.head(view.head, seeds),
        pt_map(view.head, seeds),
    ):
        assert np.isfinite(P).all()
        assert P[:, 1].max() == 0


def test_one_class_alone_is_everywhere(view) -> None:
    seeds = make_seeds(Labels(np.array([4]), np.array([1]), ("a", "b")))
    assert (head.head(view.head, seeds) == [0, 1]).all()
