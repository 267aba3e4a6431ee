"""Weights of several sources, what labels say of them, and which source carries a concept."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.concepts.cluster import fit_local, nearest_concept
from kgkt.concepts.embed import apply_maps, fit_maps, unit_rows
from kgkt.concepts.sources import (
    Weighed,
    embed_alone,
    foretold,
    grid,
    held_together,
    layer_shares,
    side_by_side,
    walked,
    weigh_sources,
)
from kgkt.source.parquet import describe, write_features
from kgkt.transfer.items import nearest_items, neighbour_graph
from kgkt.values import Features

N = 120


@pytest.fixture
def features(tmp_path: Path) -> Features:
    """Two sources: a has the layers a/x and a/y, b has b/x."""
    rng = np.random.default_rng(0)
    layers = {layer: rng.normal(size=(N, width)).astype(np.float32) for layer, width in (("a/x", 20), ("a/y", 9), ("b/x", 12))}
    meta = describe("a + b", (), sources='{"a": ["a/x", "a/y"], "b": ["b/x"]}')
    ids = np.array([f"i{i}" for i in range(N)])
    return write_features(tmp_path / "f.parquet", {k: v.shape[1] for k, v in layers.items()}, [(ids, layers)], meta)


def test_a_weight_is_a_share_of_every_squared_distance(features: Features) -> None:
    maps = fit_maps(features, dims=6, shares=layer_shares(features.sources, (1, 0.5)))
    assert maps.shares == pytest.approx({"a/x": 1 / 3, "a/y": 1 / 3, "b/x": 1 / 3})
    alone, joined = embed_alone(features, maps), apply_maps(features, maps)
    for i, j in ((0, 1), (5, 99)):
        apart = [((vectors[i] - vectors[j]) ** 2).sum() for vectors in alone.values()]
        assert ((joined.vectors[i] - joined.vectors[j]) ** 2).sum() == pytest.approx(2 / 3 * apart[0] + 1 / 3 * apart[1], rel=1e-5)
    np.testing.assert_allclose(np.linalg.norm(joined.vectors, axis=1), 1, rtol=1e-5)


def test_equal_shares_are_what_one_source_has(features: Features) -> None:
    plain, even = (apply_maps(features, fit_maps(features, dims=6, shares=shares)) for shares in (
        None, dict.fromkeys(features.layers, 1 / 3)))  # fmt: skip
    np.testing.assert_allclose(even.vectors, plain.vectors, rtol=1e-6)
    np.testing.assert_allclose(even.head, plain.head, atol=1e-5)


def test_a_source_without_weight_costs_nothing_and_stays_known(features: Features) -> None:
    maps = fit_maps(features, dims=6, head_dims=None, shares=layer_shares(features.sources, (0, 2)))
    made = apply_maps(features, maps)
    assert maps.live == ("b/x",)
    assert set(maps.layers) == {"a/x", "a/y", "b/x"}
    assert (made.vectors.shape, made.head.shape) == ((N, 6), (N, 12))
    np.testing.assert_allclose(made.vectors, embed_alone(features, maps)["b"], rtol=1e-6)


def test_what_is_tried() -> None:
    three = grid(3)
    assert three[0] == (1, 1, 1)
    assert {(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0.5, 1, 1)} <= set(three)
    assert len(three) == len(set(three)) == 10


def kinds(n: int, noise: float, seed: int) -> np.ndarray:
    """(3 n, 16) unit rows: n of each of three kinds, around one direction each."""
    rng = np.random.default_rng(seed)
    return unit_rows(np.repeat(np.eye(16)[:3], n, axis=0) + noise * rng.normal(size=(3 * n, 16)))


def near(vectors: np.ndarray) -> csr_matrix:
    return neighbour_graph(nearest_items(vectors), vectors)


def weighed(alone: list[np.ndarray], classes: np.ndarray) -> Weighed:
    """Every item has a label; classes of -1 have none."""
    items = np.flatnonzero(classes >= 0)
    return weigh_sources(alone, items, classes[items], near)


USELESS = unit_rows(np.random.default_rng(5).normal(size=(120, 16)))


@pytest.mark.parametrize("labels", [4, 8])  # fewer than five a class walk over the pool, more ask for cosines
def test_labels_leave_a_useless_source_out_and_two_good_ones_equal(labels: int) -> None:
    classes = np.repeat(np.arange(3), 40)
    classes[np.arange(120) % 40 >= labels] = -1
    assert weighed([kinds(40, 0.2, 1), USELESS], classes).weights == (1, 0)
    assert weighed([USELESS, kinds(40, 0.2, 1)], classes).weights == (0, 1)
    level = weighed([kinds(40, 0.2, 1), kinds(40, 0.2, 2)], classes)
    assert level.weights == level.equal == (1, 1)
    assert (level.n, set(level.found)) == (3 * labels, set(grid(2)))


def test_few_labels_and_one_class_say_nothing() -> None:
    for classes in (np.zeros(24, int), np.arange(24), np.append(np.repeat(np.arange(4), 2), np.arange(4, 20))):
        said = weighed([kinds(8, 0.2, 1), USELESS[:24]], classes)
        assert (said.weights, said.found) == ((1, 1), {})
    assert weigh_sources([np.zeros((9, 3)), np.zeros((9, 2))], np.zeros(0, int), np.zeros(0, int), near).found == {}


def test_a_label_is_foretold_by_the_others_alone() -> None:
    ties, classes = np.full((6, 6), 0.25), np.array([0, 0, 1, 1, 2, 3])
    ties[0, 1] = ties[1, 0] = ties[2, 3] = 1.0
    likely = foretold(ties, classes)
    np.testing.assert_allclose(likely[:4], [1 / 1.75, 1 / 1.75, 1 / 1.75, 0.25], rtol=1e-12)
    np.testing.assert_allclose(likely[4:], 0.0)  # the only label of a class is foretold by none


def test_a_walk_is_the_inverse() -> None:
    A = near(kinds(20, 0.3, 0))
    root = 1 / np.sqrt(A.toarray().sum(axis=1))
    whole = np.linalg.inv(np.eye(60) - 0.9 * root[:, None] * A.toarray() * root)
    items = np.array([3, 50, 21])
    np.testing.assert_allclose(walked(A, items), whole[np.ix_(items, items)], rtol=1e-6, atol=1e-9)


def test_how_well_a_source_holds_a_concept_together() -> None:
    rng = np.random.default_rng(3)
    vectors = unit_rows(rng.normal(size=(30, 5)))
    nearest = np.repeat([0, 1, 2, 4], [12, 2, 1, 15])
    vectors[12:14] = vectors[12]

    def apart(rows: np.ndarray) -> float:
        return float(np.mean([((a - b) ** 2).sum() for a, b in combinations(rows, 2)]))

    share = held_together(vectors, nearest, 6)
    for concept in (0, 4):
        expected = max(0.0, 1 - apart(vectors[nearest == concept]) / apart(vectors))
        assert share[concept] == pytest.approx(expected, abs=1e-9)
    assert share[1] == pytest.approx(1.0)
    assert np.isnan(share[[2, 3, 5]]).all()
    assert held_together(np.ones((4, 2)), np.zeros(4, int), 1).tolist() == [0.0]


def test_a_concept_is_carried_by_the_source_that_knows_it() -> None:
    rng = np.random.default_rng(0)
    kind = np.repeat(np.arange(6), 30)
    known = unit_rows(np.eye(12)[kind] + 0.15 * rng.normal(size=(180, 12)))
    noise = unit_rows(rng.normal(size=(180, 12)))
    first = (kind < 3)[:, None]  # the first source knows three of the kinds, the second the others
    alone = [np.where(first, known, noise), np.where(first, noise, known)]
    made = fit_local(side_by_side(alone, (1, 1)).astype(np.float32), 6, 0)
    nearest = nearest_concept(made.memberships)
    share = np.stack([held_together(vectors, nearest, 6) for vectors in alone])
    for concept in range(6):
        (own,) = set(kind[nearest == concept] < 3)
        best, other = (0, 1) if own else (1, 0)
        assert share[best, concept] > 0.5 > 0.2 > share[other, concept]
