"""The contract of a cluster engine, held to by every one there is."""

from __future__ import annotations

import numpy as np
import pytest

from kgkt.concepts.cluster import memberships
from kgkt.concepts.embed import unit_rows
from kgkt.concepts.engine import ENGINES, ClusterEngine, engine_for

K = 12


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """300 unit rows around 12 places, 25 of each in turn."""
    rng = np.random.default_rng(0)
    places = np.tile(rng.normal(size=(K, 16)), (25, 1))
    return unit_rows((places + 0.05 * rng.normal(size=places.shape)).astype(np.float32))


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_finds_the_concepts_that_are_there(engine: ClusterEngine, vectors: np.ndarray) -> None:
    before = vectors.copy()
    found = engine.fit(vectors, K, 1)
    assert found.engine == engine.name
    assert (found.seed, found.centroids.shape, found.centroids.dtype) == (1, (K, 16), np.float32)
    assert found.sizes.sum() == 300
    truth, nearest = np.arange(300) % K, found.memberships.indices[::3]
    assert max(len(set(truth[nearest == c])) for c in range(K)) <= 2  # a bad start may hold two places in one
    np.testing.assert_array_equal(found.sizes, np.bincount(nearest, minlength=K))
    Z, bandwidth = memberships(vectors, found.centroids)
    assert (abs(Z - found.memberships).max(), bandwidth) == (0, found.bandwidth)
    again = engine.fit(vectors, K, 1)
    np.testing.assert_array_equal(again.centroids, found.centroids)
    np.testing.assert_array_equal(vectors, before)


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_an_engine_takes_few_and_equal_rows(engine: ClusterEngine, vectors: np.ndarray) -> None:
    two = np.repeat(vectors[:2], 20, axis=0)
    found = engine.fit(two, 2, 0)
    assert sorted(found.sizes) == [20, 20]
    np.testing.assert_allclose(found.memberships.sum(axis=1), 1, atol=1e-6)
    one = engine.fit(vectors, 1, 0)
    assert (one.sizes.tolist(), one.memberships.nnz) == ([300], 300)


def test_one_engine_is_chosen(vectors: np.ndarray) -> None:
    assert engine_for(vectors) in ENGINES
    assert len({engine.name for engine in ENGINES}) == len(ENGINES)
