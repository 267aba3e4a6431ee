"""A concept graph of the digits' pixels, its teacher, and small Bs of many shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from kgkt.values import Clustering, ConceptGraph, Labels, Targets

CONCEPTS = 60


@dataclass(frozen=True)
class Taught:
    """The pool as 64 pixels, its graph, five labels a class and what the teacher makes of them."""

    x: np.ndarray
    y: np.ndarray
    test: tuple[np.ndarray, np.ndarray]
    clustering: Clustering
    labels: Labels
    targets: Targets

    @property
    def Z(self) -> csr_matrix:
        return self.clustering.memberships


@pytest.fixture(scope="session")
def taught(digits: Any) -> Taught:
    return teach_pixels(digits, lambda y: y, tuple("0123456789"), per_class=5)


@pytest.fixture(scope="session")
def two(digits: Any) -> Taught:
    """The same for two classes: the digits up to 4 are cats, the others dogs."""
    return teach_pixels(digits, lambda y: (y > 4).astype(int), ("cat", "dog"), per_class=25)


def teach_pixels(digits: Any, class_of: Callable[[np.ndarray], np.ndarray], names: tuple[str, ...], per_class: int) -> Taught:
    from sklearn.decomposition import PCA

    from kgkt.concepts.cluster import fit_local
    from kgkt.concepts.edges import bridge_edges, centroid_cosines
    from kgkt.transfer.teacher import teach

    x = digits.pool_x.reshape(len(digits.pool_x), -1)
    vectors = PCA(24, whiten=True, random_state=0).fit_transform(x).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    clustering = fit_local(vectors, CONCEPTS, 0)
    edges, weights = bridge_edges(clustering.memberships)
    keys = np.array([f"c{i}" for i in range(CONCEPTS)], dtype=object)
    graph = ConceptGraph(
        keys, keys, clustering.centroids, clustering.sizes, np.ones(CONCEPTS, bool), edges, weights,
        centroid_cosines(clustering.centroids, edges), np.zeros(CONCEPTS, int),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    y, c = class_of(digits.pool_y), len(names)
    items = np.concatenate([rng.choice(np.flatnonzero(y == k), per_class, replace=False) for k in range(c)])
    labels = Labels(items, y[items], names)
    targets = teach(graph, clustering.memberships, labels, vectors, prior=np.full(c, 1 / c))
    test = (digits.test_x.reshape(len(digits.test_x), -1), class_of(digits.test_y))
    return Taught(x, y, test, clustering, labels, targets)


@pytest.fixture
def mlp() -> Callable[..., Any]:
    """Build Dense 32 `one`, Dense 16 `two`, Dense 10 `out` for 64 pixels; the same weights each time."""

    def build(
        last: str = "softmax", between: tuple[Any, ...] = (), units: int = 10, dtype: str = "float32",
        after: tuple[Any, ...] = (),
    ) -> Any:  # fmt: skip
        import keras

        keras.utils.set_random_seed(3)
        return keras.Sequential(
            [
                keras.Input((64,)),
                keras.layers.Dense(32, activation="relu", name="one", dtype=dtype),
                *between,
                keras.layers.Dense(16, activation="relu", name="two", dtype=dtype),
                keras.layers.Dense(units, activation=last, name="out", dtype=dtype),
                *after,
            ]
        )

    return build


@pytest.fixture
def cnn() -> Any:
    """A convolution, BatchNorm and logits, for 64 pixels."""
    import keras

    keras.utils.set_random_seed(4)
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Reshape((8, 8, 1)),
            keras.layers.Conv2D(8, 3, activation="relu", name="conv"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu", name="one"),
            keras.layers.Dense(10, name="out"),
        ]
    )
