"""The mathematics of the concept graph on digits and on graphs small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts import choose, cluster, edges, embed, names, propagate, themes
from kgkt.errors import InputError
from kgkt.proof.view import write_arrays
from kgkt.values import Clustering, ConceptGraph, Labels


def graph_of(pairs, weights, k, sizes=None, active=None):
    """A ConceptGraph from edges given by hand."""
    pairs = np.array(pairs, np.int64).reshape(-1, 2)
    return ConceptGraph(
        keys=np.array([f"g/concept/{i}" for i in range(k)], object),
        names=np.array([f"c{i}" for i in range(k)], object),
        centroids=np.eye(k, dtype=np.float32), sizes=np.ones(k, int) if sizes is None else sizes,
        active=np.ones(k, bool) if active is None else active, edges=pairs, weights=np.array(weights, float),
        cosines=np.zeros(len(pairs)), themes=np.zeros(k, int),
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(digits):
    """The digits' pixels embedded and clustered: vectors, clustering, labels."""
    X = digits.pool_x.reshape(len(digits.pool_x), -1)
    vectors = embed.apply_map(X, *embed.whiten(X))
    return vectors, cluster.fit_local(vectors, 60, 0), digits.pool_y


def test_whitening_gives_unit_variance_and_no_correlation(digits):
    X = digits.pool_x.reshape(len(digits.pool_x), -1)
    W, b = embed.whiten(X, dims=16)
    covariance = np.cov((X @ W.T + b).T)
    assert W.shape == (16, 64)
    np.testing.assert_allclose(covariance, np.eye(16), atol=0.02)


def test_rows_have_unit_length_and_layers_weigh_the_same(digits, tmp_path):
    X = digits.pool_x.reshape(len(digits.pool_x), -1)
    features = write_arrays(tmp_path / "f.parquet", digits.pool_ids, {"a": X, "b": X[:, :32]}, "test")
    F = embed.fit_embedding(features, 8).vectors
    np.testing.assert_allclose(np.linalg.norm(F, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(F[:, :8], axis=1), np.sqrt(0.5), atol=1e-5)


def test_constant_features_embed_alike():
    W, b = embed.whiten(np.full((20, 5), 3.0, np.float32))
    np.testing.assert_array_equal(embed.apply_map(np.full((20, 5), 3.0, np.float32), W, b), np.ones((20, 1)))


def test_directions_without_variance_are_left_out():
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    W, _ = embed.whiten(np.hstack([X, X, X]), dims=6)
    assert len(W) == 3


def test_few_features_keep_how_far_an_item_is_from_the_middle():
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    X = np.concatenate([circle, 3 * circle]).astype(np.float32)
    W, b = embed.whiten(X)
    assert (W[-1] == 0).all()
    assert b[-1] == 1
    for rows in (embed.apply_map(X, W, b), embed.head_features(X)):
        inner, outer = rows[:200], rows[200:]
        own = np.linalg.norm(inner - np.roll(inner, 1, axis=0), axis=1).max()
        assert np.linalg.norm(inner[:, None] - outer[None], axis=2).min() > 5 * own
    assert len(embed.whiten(np.hstack([X] * 5))[0]) == 2  # of ten features none is added


def test_memberships_are_three_a_row_and_sum_to_one(made):
    vectors, clustering, _ = made
    Z = clustering.memberships
    assert Z.shape == (600, 60)
    assert Z.nnz == 3 * 600
    np.testing.assert_allclose(np.asarray(Z.sum(axis=1)).ravel(), 1, atol=1e-5)
    distance = ((vectors[:, None] - clustering.centroids[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(cluster.nearest_concept(Z), distance.argmin(axis=1))
    near = np.sort(distance, axis=1)[:, :3]
    expected = np.exp(-near / near.mean())
    np.testing.assert_allclose(
        np.sort(Z[0].data)[::-1], expected[0] / expected[0].sum(), rtol=1e-3
    )
    assert clustering.sizes.sum() == 600


def test_new_items_get_the_memberships_that_old_ones_got(made):
    vectors, clustering, _ = made
    again, bandwidth = cluster.memberships(vectors[:50], clustering.centroids, clustering.bandwidth)
    assert bandwidth == clustering.bandwidth
    np.testing.assert_allclose(again.toarray(), clustering.memberships[:50].toarray(), atol=1e-5)


@pytest.mark.parametrize(("n", "k"), [(9, 3), (60, 20), (600, 60), (5000, 500), (100_000, 2500)])
def test_default_number_of_concepts(n, k):
    assert cluster.default_k(n) == k


def test_more_concepts_than_items_names_a_number_that_works():
    with pytest.raises(InputError, match=r"700 concepts from 600 items .* 1 to 600, e\.g\. 60"):
        cluster.choose_k(np.random.default_rng(0).normal(size=(600, 2)), 700)


def test_duplicates_lower_the_number_of_concepts():
    vectors = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0)
    k, notices = cluster.choose_k(vectors, 30)
    assert k == 4
    assert notices == ["only 4 of 100 items differ: 4 concepts instead of 30"]
    assert sorted(cluster.fit_local(vectors, k, 0).sizes) == [25, 25, 25, 25]


def test_all_items_equal_make_one_concept():
    vectors = np.ones((30, 1), np.float32)
    k, _ = cluster.choose_k(vectors, None)
    clustering = cluster.fit_local(vectors, k, 0)
    assert k == 1
    np.testing.assert_array_equal(clustering.memberships.toarray(), np.ones((30, 1)))
    assert edges.bridge_edges(clustering.memberships)[0].shape == (0, 2)
    assert cluster.stability(vectors, 1, 0) == 1.0


def test_stability_is_high_for_clear_clusters_and_low_for_noise():
    rng = np.random.default_rng(0)
    clear = np.repeat(np.eye(8), 30, axis=0) + rng.normal(scale=0.01, size=(240, 8))
    assert cluster.stability(clear.astype(np.float32), 8, 0) > 0.8
    assert cluster.stability(rng.normal(size=(240, 8)).astype(np.float32), 40, 0) < 0.6


def test_bridge_edges_are_the_products_of_memberships():
    Z = csr_matrix(np.array([[0.5, 0.5, 0], [0, 0.25, 0.75], [1, 0, 0]]))
    pairs, weights = edges.bridge_edges(Z)
    np.testing.assert_array_equal(pairs, [[0, 1], [1, 2]])
    np.testing.assert_allclose(weights, [0.25, 0.1875])


def test_cosine_of_a_zero_centroid_is_zero():
    cosines = edges.centroid_cosines(np.array([[1.0, 0], [0, 0], [1, 1]]), np.array([[0, 1], [0, 2]]))
    np.testing.assert_allclose(cosines, [0, np.sqrt(0.5)])


def test_exemplars_are_the_nearest_items(made):
    vectors, clustering, _ = made
    nearest = cluster.nearest_concept(clustering.memberships)
    for number, items in enumerate(cluster.medoids(vectors, clustering, 8)):
        members = np.flatnonzero(nearest == number)
        distance = ((vectors[members] - clustering.centroids[number]) ** 2).sum(axis=1)
        np.testing.assert_array_equal(items, members[np.argsort(distance, kind="stable")[:8]])


def test_a_concept_that_no_item_is_nearest_to_still_has_examples():
    Z = csr_matrix((np.array([0.6, 0.4, 0.7, 0.3]), np.array([0, 1, 0, 1]), np.array([0, 2, 4])), shape=(2, 2))
    clustering = Clustering(np.eye(2), Z, np.array([2, 0]), 1.0, 0)
    assert cluster.medoids(np.eye(2, dtype=np.float32), clustering, 8)[1].tolist() == [0, 1]


def test_themes_find_two_cliques_joined_by_a_thread():
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)]
    found = themes.find_themes(7, np.array(pairs), np.array([5, 5, 5, 5, 5, 5, 0.1]))
    assert found[0] == found[1] == found[2]
    assert found[3] == found[4] == found[5]
    assert len(set(found)) == 3  # the seventh concept has no edge


def test_names_are_the_terms_that_set_a_concept_apart():
    texts = ["the river flows", "a river of water", "river water", "the stone wall", "a wall of stone", "stone"]
    Z = csr_matrix(np.repeat(np.eye(2), 3, axis=0))
    first, second = names.names_from_text(texts, Z, [np.array([0]), np.array([3])])
    assert first.split(", ")[0] == "river"
    assert set(second.split(", ")) == {"stone", "wall"}
    single = [np.array([0]), np.array([1])]
    assert names.names_from_text(["1 2", ""], csr_matrix(np.eye(2)), single) == ["1 2", "concept 1"]


def named(groups: list[list[str]]) -> list[str]:
    """Names of concepts, each of some texts."""
    nearest = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    Z = csr_matrix((np.ones(len(nearest)), (np.arange(len(nearest)), nearest)))
    first = [np.array([int(np.flatnonzero(nearest == number)[0])]) for number in range(len(groups))]
    return names.names_from_text([text for group in groups for text in group], Z, first)


def test_no_language_needs_a_list_of_stop_words():
    things = ["Wasser", "Feuer", "Stein", "Wald", "Brot", "Fisch", "Pferd", "Schiff", "Turm", "Glocke", "Mühle", "Regen",
              "Schnee", "Garten", "Brücke", "Spiegel", "Lampe", "Schlüssel", "Geige", "Trommel", "Vogel", "Katze"]  # fmt: skip
    says = ["das ist der {} und nicht mehr", "es gibt hier den {} auf dem Weg", "wir sahen die {} mit uns und das war gut"]
    found = named([[say.format(thing) for say in says] for thing in things])
    assert found == things  # as they are written, and nothing else


def test_words_are_whole_in_every_script():
    assert names._terms("don't l'eau user's C3PO 12345 x ab12345 naïve cafe\u0301 web-based") == [
        "eau", "user", "C3PO", "naïve", "café", "web-based"]  # fmt: skip
    assert names._terms("हिन्दी भाषा") == ["हिन्दी", "भाषा"]  # vowel signs are no letters to Python
    assert names._terms("コマンドライン版のプログラムです。画像形式") == ["コマンドライン", "プログラム", "画像形式"]
    assert names._terms("这是一个很长的没有空格的句子") == []
    assert names._terms("ภาษาไทย") == []


def test_texts_without_words_of_their_own_get_the_beginning_of_the_medoid_and_names_differ():
    found = named([["这是一个关于猫的很长很长的句子没有空格" * 5] * 3, ["这是一个关于狗的很长很长的句子没有空格"] * 3,
                   ["same words here"] * 3, ["same words here"] * 3])  # fmt: skip
    assert len(set(found)) == 4
    assert found[0].startswith("这是一个关于猫的")
    assert (len(found[0]), found[0][-1]) == (names.EXCERPT, "…")
    Z = csr_matrix(np.repeat(np.eye(2), 3, axis=0))
    texts = ["a river"] * 3 + ["a stone"] * 3
    assert names.names_from_text(texts, Z, [np.array([0]), np.array([3])], used=["river"]) == ["a river", "stone"]
    assert "rivers" not in named([["river rivers water"] * 3, ["stone"] * 9])[0]


def test_propagation_is_the_closed_form():
    graph = graph_of([(0, 1), (1, 2)], [2.0, 1.0], 3)
    Z = csr_matrix(np.eye(3))
    labels = Labels([0, 2], [0, 1], ("a", "b"))
    G, reached = propagate.propagate_masses(propagate.make_spreader(graph, 0.9), Z, propagate.make_seeds(labels))
    E = np.array([[0, 2, 0], [2, 0, 1], [0, 1, 0]], float)
    root = np.diag(1 / np.sqrt(E.sum(axis=1)))
    expected = np.linalg.inv(np.eye(3) - 0.9 * root @ E @ root) @ np.array([[1, 0], [0, 0], [0, 1]], float)
    np.testing.assert_allclose(G, expected, rtol=1e-9)
    assert reached.all()


def test_conjugate_gradients_agree_with_the_factorisation(made, monkeypatch):
    _, clustering, y = made
    pairs, weights = edges.bridge_edges(clustering.memberships)
    seeds = propagate.make_seeds(Labels(np.arange(20), y[:20], tuple("0123456789")))
    dense = propagate.spreader_of(60, pairs, weights, np.ones(60, bool))
    monkeypatch.setattr(propagate, "DENSE_UP_TO", 10)
    sparse = propagate.spreader_of(60, pairs, weights, np.ones(60, bool))
    Z = clustering.memberships
    np.testing.assert_allclose(
        propagate.propagate_masses(dense, Z, seeds)[0], propagate.propagate_masses(sparse, Z, seeds)[0], rtol=1e-6
    )


def test_each_class_weighs_the_same_however_many_labels_it_has():
    graph = graph_of([(0, 1)], [1.0], 2)
    Z = csr_matrix(np.array([[1.0, 0]] * 9 + [[0, 1.0]]))
    seeds = propagate.make_seeds(Labels(np.arange(10), [0] * 9 + [1], ("a", "b")))
    G, _ = propagate.propagate_masses(propagate.make_spreader(graph), Z, seeds)
    np.testing.assert_allclose(G[0, 0], G[1, 1])


def test_what_no_label_reaches_is_uniform_and_said():
    graph = graph_of([(0, 1)], [1.0], 3)
    Z = csr_matrix(np.eye(3))
    seeds = propagate.make_seeds(Labels([0], [0], ("a", "b")))
    G, concepts = propagate.propagate_masses(propagate.make_spreader(graph), Z, seeds)
    P, items = propagate.item_posterior(Z, G, np.array([0.5, 0.5]), 2)
    assert concepts.tolist() == [True, True, False]
    assert items.tolist() == [True, True, False]
    np.testing.assert_array_equal(P[2], [0.5, 0.5])


def test_switched_off_concepts_cut_the_way():
    pairs, weights = [(0, 1), (1, 2)], [1.0, 1.0]
    Z = csr_matrix(np.eye(3))
    seeds = propagate.make_seeds(Labels([0], [0], ("a", "b")))
    off = graph_of(pairs, weights, 3, active=np.array([True, False, True]))
    G, reached = propagate.propagate_masses(propagate.make_spreader(off), Z, seeds)
    assert reached.tolist() == [True, False, False]
    assert G[1:].sum() == 0


def test_everything_switched_off_is_refused():
    with pytest.raises(InputError, match="every concept is switched off"):
        propagate.make_spreader(graph_of([(0, 1)], [1.0], 2, active=np.zeros(2, bool)))


def test_alpha_out_of_range_is_refused():
    with pytest.raises(InputError, match=r"alpha must lie in .*received 1\.5"):
        propagate.make_spreader(graph_of([(0, 1)], [1.0], 2), 1.5)


def test_nothing_labelled_says_what_to_do():
    with pytest.raises(InputError, match="nothing is labelled yet"):
        propagate.make_seeds(Labels([], [], ("a",)))


def test_sinkhorn_meets_the_prior_and_leaves_hidden_columns_their_share():
    rng = np.random.default_rng(0)
    P = propagate.normalise(rng.random((500, 3)), np.array([0.5, 0.3, 0.2]), 3)
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_allclose(P.mean(axis=0), [0.5, 0.3, 0.2], atol=1e-3)
    Q = propagate.normalise(rng.random((500, 4)), np.array([0.5, 0.3, 0.2]), 3)
    hidden = Q[:, 3].mean()
    np.testing.assert_allclose(Q[:, :3].mean(axis=0) / (1 - hidden), [0.5, 0.3, 0.2], atol=5e-3)


def test_a_tick_takes_what_is_like_it_from_the_class():
    P = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])
    seeds = propagate.make_seeds(Labels([0], [0], ("a", "b"), [1], [0]))
    out, ticked = propagate.settle(P, seeds)
    np.testing.assert_allclose(out, [[0, 1], [2 / 3, 1 / 3]])
    assert ticked.tolist() == [0, -1]


def test_a_tick_on_an_item_of_another_class_is_no_seed():
    seeds = propagate.make_seeds(Labels([0, 1], [0, 1], ("a", "b"), [1, 2], [0, 1]))
    assert (seeds.items.tolist(), seeds.columns.tolist(), seeds.hidden.tolist()) == ([0, 1, 2], [0, 1, 2], [1])


def test_a_tick_with_one_class_is_refused():
    with pytest.raises(InputError, match="needs a second class"):
        propagate.make_seeds(Labels([0], [0], ("a",), [1], [0]))


def test_leave_one_out_is_what_leaving_one_out_gives(made):
    _, clustering, y = made
    pairs, weights = edges.bridge_edges(clustering.memberships)
    spreader, Z = propagate.spreader_of(60, pairs, weights, np.ones(60, bool)), clustering.memberships
    items = np.concatenate([np.flatnonzero(y == c)[:3] for c in range(10)])
    labels = Labels(items, y[items], tuple("0123456789"))
    right = []
    for i in range(len(items)):
        rest = np.delete(np.arange(len(items)), i)
        part = Labels(items[rest], y[items[rest]], labels.names)
        G, _ = propagate.propagate_masses(spreader, Z, propagate.make_seeds(part))
        right.append((Z[items[i]] @ G).argmax() == y[items[i]])
    assert propagate.leave_one_out(spreader, Z, labels) == pytest.approx(np.mean(right))


def test_leave_one_out_does_not_exist_at_one_label_a_class(made):
    _, clustering, y = made
    items = np.array([np.flatnonzero(y == c)[0] for c in range(10)])
    spreader = propagate.spreader_of(60, *edges.bridge_edges(clustering.memberships), np.ones(60, bool))
    labels = Labels(items, y[items], tuple("0123456789"))
    assert propagate.leave_one_out(spreader, clustering.memberships, labels) is None


def test_many_classes_want_less_travel_and_labels_choose_only_where_there_are_enough(made):
    _, clustering, y = made
    graph, Z = graph_of(*edges.bridge_edges(clustering.memberships), 60), clustering.memberships
    fine = 3 * y + np.arange(len(y)) % 3  # thirty classes

    def of(y: np.ndarray, classes: int, many: int) -> Labels:
        items = np.concatenate([np.flatnonzero(y == c)[:many] for c in range(classes)])
        return Labels(items, y[items], tuple(map(str, range(classes))))

    assert propagate.choose_alpha(graph, Z, of(y, 10, 1)) == propagate.ALPHA
    assert propagate.choose_alpha(graph, Z, of(fine, 30, 4)) == propagate.ALPHA_OF_MANY < propagate.ALPHA
    for labels, alphas in ((of(y, 10, 5), propagate.ALPHAS), (of(fine, 30, 5), propagate.ALPHAS_OF_MANY)):
        chosen = propagate.choose_alpha(graph, Z, labels)
        found = {a: propagate.leave_one_out(propagate.make_spreader(graph, a), Z, labels) for a in alphas}
        assert found[chosen] == max(found.values())


def test_reach_is_nested_and_starts_where_no_label_is():
    graph = graph_of([(0, 1), (1, 2), (3, 4)], [1.0, 1.0, 1.0], 5, sizes=np.array([5, 5, 5, 40, 1]))
    first = choose.reach(graph, np.zeros(0, int), 1)
    both = choose.reach(graph, np.zeros(0, int), 3)
    assert first[0].concept == both[0].concept == 3
    assert both[1].concept == 1  # the middle of the chain speaks for its ends
    assert first[0].speaks_for == pytest.approx(40 + 0.95 * 1)  # S of a pair is 1: similarity alpha to its twin
    assert [s.speaks_for for s in both] == sorted((s.speaks_for for s in both), reverse=True)
    assert sum(s.speaks_for for s in both) < 56
    after = choose.reach(graph, np.array([3]), 5)
    assert 3 not in [s.concept for s in after]
    assert after[0].concept == 1
    assert after[0].covered == 0
    assert next(s for s in after if s.concept == 4).covered == pytest.approx(0.95)


def test_reach_passes_over_what_is_switched_off():
    graph = graph_of([(0, 1)], [1.0], 3, active=np.array([True, True, False]))
    assert 2 not in [s.concept for s in choose.reach(graph, np.zeros(0, int), 5)]
