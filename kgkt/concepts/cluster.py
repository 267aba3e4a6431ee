"""Concepts: clusters of the embedding, with soft memberships."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING

from kgkt.errors import InputError, count
from kgkt.values import Clustering

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

NEAREST = 3  # concepts an item belongs to
STREAM_ABOVE = 200_000  # items; MiniBatchKMeans from here on
STREAM_ROUNDS = 10  # 15 bring 400,000 word vectors 0.2 % nearer to their centroids, for half as long again
STABILITY_SAMPLE = 10_000


def default_k(n: int) -> int:
    """How many concepts n items get: a tenth of them, between 50 and 2,500, never over a third.

    >>> default_k(5000), default_k(600), default_k(60)
    (500, 60, 20)
    """
    return max(1, min(2500, max(n // 10, 50), max(n // 3, 1)))


def check_k(wanted: int | None, n: int) -> None:
    """Refuse to make more concepts than there are items."""
    if wanted is not None and not 1 <= wanted <= n:
        raise InputError(f"{wanted} concepts from {n} items is not possible: ask for 1 to {n}, e.g. {default_k(n)}")


def choose_k(vectors: np.ndarray, wanted: int | None) -> tuple[int, list[str]]:
    """The number of concepts to fit, with notices where it is not the one that was wanted.

    Args:
        vectors: (n, e) embedding.
        wanted: what the user asked for, or None.

    Raises:
        InputError: more concepts than items.
    """
    import numpy as np

    n = len(vectors)
    check_k(wanted, n)
    k = wanted or default_k(n)
    rounded = np.ascontiguousarray(np.round(vectors, 5) + 0.0)
    distinct = len(np.unique(rounded.view(np.dtype((np.void, rounded.dtype.itemsize * rounded.shape[1])))))
    if distinct < k:
        return distinct, [f"only {distinct} of {n} items differ: {count(distinct, 'concept')} instead of {k}"]
    return k, []


def fit_centroids(vectors: np.ndarray, k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """KMeans: centroids (k, e) float32 and the concept of each item (n,).

    One start, at most 25 rounds; above 200,000 items MiniBatchKMeans, at most 10.

    Reference: Lloyd 1982 with the seeding of Arthur & Vassilvitskii 2007 (scikit-learn); Sculley 2010.
    """
    import numpy as np
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if len(vectors) > STREAM_ABOVE:
            model = MiniBatchKMeans(k, n_init=1, batch_size=10_240, max_iter=STREAM_ROUNDS, random_state=seed)
        else:
            model = KMeans(k, n_init=1, max_iter=25, random_state=seed)
        nearest = model.fit_predict(vectors)
    return model.cluster_centers_.astype(np.float32), nearest


def memberships(
    vectors: np.ndarray, centroids: np.ndarray, bandwidth: float | None = None
) -> tuple[csr_matrix, float]:
    """Each item's strength in its 3 nearest concepts, z ∝ exp(-distance² / bandwidth).

    Args:
        vectors: (n, e).
        centroids: (k, e).
        bandwidth: None takes the mean over all n x 3 squared distances.

    Returns:
        Z (n, k) CSR float32 whose rows sum to 1, and the bandwidth.

    Reference: anchor graphs, Liu, He & Chang 2010.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, k = len(vectors), len(centroids)
    near = min(NEAREST, k)
    index = np.empty((n, near), np.int32)
    distance = np.empty((n, near), np.float32)
    norms = (centroids**2).sum(axis=1)
    step = max(1, 2_000_000 // max(k, 1))  # rows whose distances are held at a time
    for start in range(0, n, step):
        part = vectors[start : start + step]
        D = norms - 2 * (part @ centroids.T)
        rows, lengths = np.arange(len(part)), (part**2).sum(axis=1)
        for place in range(near):  # a tenth of the time of argpartition, and of equals the lowest number comes first
            chosen = D.argmin(axis=1)
            index[start : start + step, place] = chosen
            distance[start : start + step, place] = D[rows, chosen] + lengths
            D[rows, chosen] = np.inf
    np.maximum(distance, 0, out=distance)
    if bandwidth is None:
        bandwidth = float(distance.mean(dtype=np.float64)) or 1.0
    Z = np.exp(-(distance - distance[:, :1]) / np.float32(bandwidth))
    Z /= Z.sum(axis=1, keepdims=True)
    return csr_matrix((Z.ravel(), index.ravel(), np.arange(0, n * near + 1, near)), shape=(n, k)), bandwidth


def fit_local(vectors: np.ndarray, k: int, seed: int) -> Clustering:
    """Cluster the embedding on this machine.

    Args:
        vectors: (n, e) unit rows.
        k: number of concepts, at most the number of distinct rows.
        seed: of KMeans.

    Returns:
        The clustering; `sizes` counts the items nearest to each centroid.
    """
    import numpy as np

    centroids, _ = fit_centroids(vectors, k, seed)
    Z, bandwidth = memberships(vectors, centroids)
    nearest = Z.indices[Z.indptr[:-1]]
    return Clustering(centroids, Z, np.bincount(nearest, minlength=k), bandwidth, seed)


def nearest_concept(Z: csr_matrix) -> np.ndarray:
    """(n,) the concept each item is nearest to: the strongest of its row, of equals the first one there.

    Memberships (n, k) come nearest first from `memberships`, but not once concepts are merged.
    """
    import numpy as np

    sizes = np.diff(Z.indptr)
    strongest = np.flatnonzero(Z.data == np.repeat(np.maximum.reduceat(Z.data, Z.indptr[:-1]), sizes))
    _, first = np.unique(np.repeat(np.arange(Z.shape[0]), sizes)[strongest], return_index=True)
    return Z.indices[strongest[first]]


def hard_memberships(Z: csr_matrix) -> csr_matrix:
    """(n, k) CSR with a single 1 a row, at the concept each item is nearest to."""
    import numpy as np
    from scipy.sparse import csr_matrix

    n = Z.shape[0]
    return csr_matrix((np.ones(n), nearest_concept(Z), np.arange(n + 1)), shape=Z.shape)


def stability(vectors: np.ndarray, k: int, seed: int, fitted: np.ndarray | None = None) -> float:
    """Adjusted Rand index between the clusters of two seeds on the same items (1: the same, 0: chance).

    Above 10,000 items both fits run on a sample of 10,000, k scaled to it: at full k the figure means nothing.

    Args:
        vectors: (n, e).
        k: number of concepts.
        seed: the first seed; the second is seed + 1.
        fitted: (n,) concepts already found with `seed` on all items, used where no sample is drawn.

    Reference: Hubert & Arabie 1985.
    """
    import numpy as np
    from sklearn.metrics import adjusted_rand_score

    n = len(vectors)
    if n > STABILITY_SAMPLE:
        vectors = vectors[np.sort(np.random.default_rng(seed).choice(n, STABILITY_SAMPLE, replace=False))]
        k, fitted = max(2, round(k * STABILITY_SAMPLE / n)), None
    if fitted is None:
        fitted = fit_centroids(vectors, k, seed)[1]
    return float(adjusted_rand_score(fitted, fit_centroids(vectors, k, seed + 1)[1]))


def medoids(vectors: np.ndarray, clustering: Clustering, how_many: int) -> list[np.ndarray]:
    """The items nearest to each centroid, nearest first, at most `how_many` a concept.

    Args:
        vectors: (n, e).
        clustering: of the same items.
        how_many: exemplars a concept.

    Returns:
        k arrays of item indices; a concept that no item is nearest to gets its strongest members.
    """
    import numpy as np

    Z = clustering.memberships
    nearest = nearest_concept(Z)
    distance = ((vectors - clustering.centroids[nearest]) ** 2).sum(axis=1)
    order = np.lexsort((np.arange(len(vectors)), distance, nearest))
    starts = np.searchsorted(nearest[order], np.arange(len(clustering.centroids) + 1))
    chosen = [order[a : min(b, a + how_many)] for a, b in itertools.pairwise(starts)]
    empty = [j for j, items in enumerate(chosen) if not len(items)]
    if empty:
        columns = Z.tocsc()
        for j in empty:
            rows = columns.indices[columns.indptr[j] : columns.indptr[j + 1]]
            strength = columns.data[columns.indptr[j] : columns.indptr[j + 1]]
            chosen[j] = rows[np.argsort(-strength, kind="stable")[:how_many]]
    return chosen
