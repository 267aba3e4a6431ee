"""A clustering that grows: old numbers stay, new ones come where items lie far, what is empty holds nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgkt.concepts import cluster, edges, embed, grow, old_names, themes
from kgkt.errors import shorten
from kgkt.proof.view import write_arrays
from kgkt.values import Features


def inertia(vectors: np.ndarray, centroids: np.ndarray) -> float:
    return float(grow.nearest_centroid(vectors, centroids)[1].sum())


def share_kept(before: np.ndarray, after: np.ndarray, k: int) -> float:
    """Share of k old concepts of which at least half of the items have the same number after."""
    stay = np.bincount(before[before == after], minlength=k)
    return float(np.mean(stay >= np.bincount(before, minlength=k) / 2))


@pytest.fixture(scope="module")
def pools(digits):
    """The digits' pixels: the pool of 600, and the same with 60 and with 597 more, in the maps of the 600."""
    X = digits.pool_x.reshape(600, -1)
    more = digits.test_x.reshape(-1, 64)
    maps = embed.whiten(X)
    old = embed.apply_map(X, *maps)
    new = embed.apply_map(more, *maps)
    return old, np.concatenate([old, new[:60]]), np.concatenate([old, new])


@pytest.fixture(scope="module")
def stands(pools):
    """60 concepts of the 600."""
    return cluster.fit_local(pools[0], 60, 0)


def test_the_nearest_centroid_is_found_in_parts(pools, stands, monkeypatch):
    whole = ((pools[0][:, None] - stands.centroids[None]) ** 2).sum(axis=2)
    monkeypatch.setattr(grow, "BLOCK", 60 * 7)
    nearest, squared = grow.nearest_centroid(pools[0], stands.centroids)
    np.testing.assert_array_equal(nearest, whole.argmin(axis=1))
    np.testing.assert_allclose(squared, whole.min(axis=1), atol=1e-5)


def test_new_concepts_begin_where_items_lie_far():
    vectors = np.array([[0, 0], [0, 0.1], [5, 0], [5, 0.1], [0, 9]], np.float32)
    _, squared = grow.nearest_centroid(vectors, np.zeros((1, 2), np.float32))
    for seed in range(20):
        first, second = grow.far_items(vectors, squared, 2, seed)
        assert {first, second} in ({2, 4}, {3, 4})
    assert sorted(grow.far_items(vectors, squared, 9, 0)) == [1, 2, 3, 4]  # item 0 lies on a concept already
    assert grow.far_items(vectors, np.zeros(5, np.float32), 3, 0).tolist() == []
    assert grow.far_items(vectors[:0], squared[:0], 3, 0).tolist() == []


def test_a_step_moves_to_the_mean_and_leaves_what_is_empty():
    vectors = np.array([[1.0, 0], [3, 0], [10, 4]], np.float32)
    centroids = np.array([[0, 0], [9, 0], [-50, 7]], np.float32)
    np.testing.assert_array_equal(grow.lloyd(vectors, centroids, 1), [[2, 0], [10, 4], [-50, 7]])
    np.testing.assert_array_equal(grow.lloyd(vectors, centroids, 0), centroids)
    assert centroids[0].tolist() == [0, 0]  # what was given is not written into


def test_a_pool_that_did_not_change_keeps_every_centroid(pools, stands):
    same = grow.grow_clustering(pools[0], stands.centroids, np.zeros(600, bool), 60, 0)
    np.testing.assert_array_equal(same.centroids, stands.centroids)
    assert same.bandwidth == stands.bandwidth
    assert (same.memberships != stands.memberships).nnz == 0
    np.testing.assert_array_equal(same.sizes, stands.sizes)
    np.testing.assert_array_equal(edges.bridge_edges(same.memberships)[1], edges.bridge_edges(stands.memberships)[1])


@pytest.mark.parametrize(("which", "k", "kept"), [(1, 66, 1.0), (2, 119, 0.95)])
def test_a_pool_that_grew_keeps_its_concepts_and_is_fitted_nearly_as_well(pools, stands, which, k, kept):
    vectors = pools[which]
    grown = grow.grow_clustering(vectors, stands.centroids, np.arange(len(vectors)) >= 600, k, 0)
    assert grown.centroids.shape == (k, 32)
    nearest = cluster.nearest_concept(grown.memberships)
    before = cluster.nearest_concept(stands.memberships)
    assert share_kept(before, nearest[:600], 60) >= kept
    fresh = cluster.fit_local(vectors, k, 0)
    assert inertia(vectors, grown.centroids) < 1.1 * inertia(vectors, fresh.centroids)
    other = cluster.nearest_concept(fresh.memberships)[:600]
    assert share_kept(before, other, 60) < 0.1  # what two fits share by number is chance


def test_items_of_a_kind_never_seen_get_concepts_of_their_own(pools, stands):
    far = np.zeros((40, 32), np.float32)
    far[:, 0] = np.where(np.arange(40) < 20, 3.0, -3.0)
    far[:, 1:] = 0.05 * np.random.default_rng(0).normal(size=(40, 31))
    vectors = np.concatenate([pools[0], far])
    grown = grow.grow_clustering(vectors, stands.centroids, np.arange(640) >= 600, 64, 0)
    nearest = cluster.nearest_concept(grown.memberships)
    assert (nearest[600:] >= 60).all()
    assert len(set(nearest[600:620]) & set(nearest[620:])) == 0
    np.testing.assert_array_equal(nearest[:600], cluster.nearest_concept(stands.memberships))


def test_a_concept_that_lost_its_items_stays_and_nothing_belongs_to_it(pools, stands):
    nearest = cluster.nearest_concept(stands.memberships)
    left = pools[0][nearest >= 10]
    shrunk = grow.grow_clustering(left, stands.centroids, np.zeros(len(left), bool), 50, 0)
    np.testing.assert_array_equal(shrunk.centroids, stands.centroids)
    assert shrunk.sizes[:10].tolist() == [0] * 10
    assert shrunk.sizes[10:].min() > 0
    assert shrunk.memberships[:, :10].nnz == 0
    np.testing.assert_allclose(np.asarray(shrunk.memberships.sum(axis=1)).ravel(), 1, atol=1e-5)
    back = grow.grow_clustering(pools[0], shrunk.centroids, nearest < 10, 60, 0)
    assert back.centroids.shape == (60, 32)  # those who come back have their concepts: none is appended
    assert share_kept(nearest, cluster.nearest_concept(back.memberships), 60) == 1.0


def test_duplicates_that_join_begin_no_concept():
    vectors = np.repeat(np.eye(4, dtype=np.float32), 25, axis=0)
    stands = cluster.fit_local(vectors, 4, 0)
    more = np.concatenate([vectors, vectors])
    grown = grow.grow_clustering(more, stands.centroids, np.arange(200) >= 100, 20, 0)
    assert len(grown.centroids) == 4
    assert grown.sizes.tolist() == [50] * 4


def test_one_item_joins_and_one_is_left(pools, stands):
    one = grow.grow_clustering(pools[1][:601], stands.centroids, np.arange(601) >= 600, 60, 0)
    assert (len(one.centroids), one.sizes.sum()) == (60, 601)
    last = grow.grow_clustering(pools[0][:1], stands.centroids, np.zeros(1, bool), 1, 0)
    assert (len(last.centroids), last.sizes.sum(), last.memberships.nnz) == (60, 1, 1)


def test_the_share_that_maps_explain():
    W = np.array([[0.5, 0, 0], [0, 4, 0]], np.float32)  # rows at right angles, of any length
    X = np.array([[4.0, 1, 0], [1, 4, 4], [1, 1, 1]], np.float32)
    np.testing.assert_allclose(grow.explained_share(X, W, np.ones(3, np.float32)), [9 / 10, 9 / 18, 1], rtol=1e-6)


def features_of(path: Path, **layers: np.ndarray) -> Features:
    n = len(next(iter(layers.values())))
    return write_arrays(path, np.array([f"i{i}" for i in range(n)]), layers, "test")


def low_rank(n: int, seed: int, turned: int = 0) -> np.ndarray:
    """(n, 40) float32 near a subspace of 6 dimensions; another one for another `turned`."""
    basis = np.random.default_rng(100 + turned).normal(size=(6, 40))
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(n, 6)) @ basis + 0.3 * rng.normal(size=(n, 40))).astype(np.float32)


def test_items_that_maps_were_fitted_on_are_explained_better_than_others(tmp_path):
    features = features_of(tmp_path / "f.parquet", a=np.random.default_rng(0).normal(size=(100, 60)))
    maps = embed.fit_maps(features, 16)
    fitted = grow.shares_of(features, np.arange(100), maps)
    mean, deviation, n = grow.held_out_share(features, 16, 0)
    assert n == 20
    assert mean < fitted.mean() - 0.1  # compared with these, every new item would look strange
    assert 0 < deviation < 0.2
    assert grow.held_out_share(features_of(tmp_path / "few.parquet", a=np.eye(20)), 16, 0) is None


def test_drift_is_said_of_another_subspace_and_not_of_the_same(tmp_path):
    features = features_of(tmp_path / "f.parquet", a=low_rank(400, 0), b=low_rank(400, 1, turned=1))
    maps = embed.fit_maps(features, 6)
    held_out = grow.held_out_share(features, 6, 0)
    alarms = {"same": 0, "other": 0, "half": 0}
    for seed in range(40):
        same = features_of(tmp_path / "s.parquet", a=low_rank(40, 9 + seed), b=low_rank(40, 99 + seed, turned=1))
        other = features_of(tmp_path / "o.parquet", a=low_rank(40, 9 + seed, turned=2), b=low_rank(40, 9 + seed, turned=3))
        shares = [grow.shares_of(f, np.arange(40), maps) for f in (same, other)]
        alarms["same"] += grow.outgrown(shares[0], held_out)
        alarms["other"] += grow.outgrown(shares[1], held_out)
        alarms["half"] += grow.outgrown(np.concatenate([shares[0][:20], shares[1][:20]]), held_out)
    assert alarms == {"same": 0, "other": 40, "half": 40}
    assert not grow.outgrown(np.zeros(9), held_out)  # too few to say
    assert not grow.outgrown(np.full(50, 1 - 2e-7), (1 - 1e-8, 1e-9, 50))  # rounding of maps that explain everything


def test_names_of_what_left_are_told():
    known = {"a.png", "b.png"}
    assert old_names.told_by_ids(["a.png", "gone.png", "concept 3"], known) == [True, False, True]
    assert old_names.told_by_words(["so, on", "so, off", "concept 2 (of words)", "a, b"], {"so", "on", "a, b"}) == [
        True, False, True, True]
    names = ["river, Flow", "river, lake", "A long text that begins with a …", "concept 3", "nothing, here"]
    texts = ["the flow of a river", "a river alone", "A long text that begins with a word of its own", "x"]
    assert old_names.told_by_text(names, texts, np.array([0, 1, 2, 3])) == [True, False, False, True, True]
    assert old_names.told_by_text([shorten(texts[2], 40)], texts[2:3], np.array([0])) == [True]


def test_themes_keep_their_numbers():
    before = np.array([0, 0, 0, 1, 1, 2, -1])
    now = np.array([1, 1, 0, 0, 0, 3, 2, 2, -1, 3])  # of seven old concepts and three new ones
    assert themes.keep_numbers(now, before).tolist() == [0, 0, 1, 1, 1, 2, 3, 3, -1, 2]
    assert themes.keep_numbers(np.full(3, -1), before[:3]).tolist() == [-1, -1, -1]
    assert themes.keep_numbers(np.array([1, 0]), np.zeros(0, np.int64)).tolist() == [1, 0]


def test_what_grows_is_drawn_as_before():
    rng = np.random.default_rng(0)
    centroids = rng.normal(size=(40, 5))  # no direction stands out
    frame = edges.frame_of(centroids[:30])
    first = edges.layout(centroids[:30])
    assert np.abs(edges.layout(centroids[:30], frame) - first).max() == 0
    assert np.abs(first).max() == pytest.approx(1)
    more = edges.layout(centroids, frame)
    assert np.abs(more).max() <= 1
    ratio = more[:30] / first
    assert ratio == pytest.approx(np.full_like(ratio, ratio[0, 0]))  # nearer together at most
