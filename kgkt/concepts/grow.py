"""A graph that grows with its pool: old centroids keep their numbers, new ones come where items lie far from all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.cluster import memberships, nearest_concept
from kgkt.concepts.embed import sample_rows, unit_rows, whiten
from kgkt.values import Clustering

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Features, Maps

STEPS = 3  # of Lloyd: more lower the inertia by half a percent, and take items from concepts that people know
BLOCK = 4_000_000  # distances held at a time
NOTHING = 1e-6  # a squared distance that is rounding: vectors are of length 1
JUDGED = 5_000  # items on which drift is judged, at most: four fifths to fit on, one to look at
FEWEST = 10  # new items below which nothing is said of drift: their mean is no mean
SURE = 3.0  # standard errors between old and new items from which the maps count as outgrown
WORSE = 1.1  # and how much more of the new items must be left unexplained: a sure trifle is a trifle
TRIFLE = 0.01  # and so is a smaller share than this: where maps explain all of both, the last digits differ


def nearest_centroid(vectors: np.ndarray, centroids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest centroid of each item (n,), the lowest number of equals, and the squared distance to it (n,).

    Args:
        vectors: (n, e).
        centroids: (k, e).
    """
    import numpy as np

    n = len(vectors)
    nearest, squared = np.empty(n, np.int64), np.empty(n, np.float32)
    norms = (centroids**2).sum(axis=1)
    step = max(1, BLOCK // len(centroids))
    for start in range(0, n, step):
        part = vectors[start : start + step]
        D = norms - 2 * (part @ centroids.T)
        near = D.argmin(axis=1)
        nearest[start : start + step] = near
        squared[start : start + step] = D[np.arange(len(part)), near] + (part**2).sum(axis=1)
    return nearest, np.maximum(squared, 0)


def far_items(vectors: np.ndarray, squared: np.ndarray, how_many: int, seed: int) -> np.ndarray:
    """Items to begin new concepts with: drawn one after the other, each with a chance that grows with its distance.

    As k-means++ that goes on from the concepts there are, but by the distance itself. By its square, or with the best
    of several candidates, the new ones gather at the rim, and the old ones in the middle of the pool stay too large.

    Args:
        vectors: (n, e) of the items that may begin one.
        squared: (n,) squared distance of each to the nearest concept there is.
        how_many: wanted.
        seed: of the draws.

    Returns:
        At most `how_many` indices; fewer where every item lies on a concept already.

    Reference: after k-means++, Arthur & Vassilvitskii 2007.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    norms = (vectors**2).sum(axis=1)
    left = np.where(squared > NOTHING, squared, 0.0)
    chosen: list[int] = []
    while len(chosen) < how_many and left.any():
        reach = np.cumsum(np.sqrt(left))
        drawn = int(np.searchsorted(reach, rng.random() * reach[-1], side="right"))
        chosen.append(drawn)
        near = norms + norms[drawn] - 2 * (vectors @ vectors[drawn])
        left = np.minimum(left, np.where(near > NOTHING, near, 0.0))
        left[drawn] = 0.0
    return np.array(chosen, np.int64)


def lloyd(vectors: np.ndarray, centroids: np.ndarray, steps: int = STEPS) -> np.ndarray:
    """Move each centroid to the mean of its items, `steps` times; one without items stays where it is.

    Not scikit-learn's: there a centroid without items is put where items lie far, and would mean something else.

    Args:
        vectors: (n, e).
        centroids: (k, e) to begin with.

    Returns:
        (k, e) float32.

    Reference: Lloyd 1982.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, k = len(vectors), len(centroids)
    moved = np.array(centroids, np.float32)
    for _ in range(steps):
        nearest, _ = nearest_centroid(vectors, moved)
        counts = np.bincount(nearest, minlength=k)
        sums = csr_matrix((np.ones(n, np.float32), (nearest, np.arange(n))), shape=(k, n)) @ vectors
        moved[counts > 0] = sums[counts > 0] / counts[counts > 0, None]
    return moved


def grow_clustering(
    vectors: np.ndarray, centroids: np.ndarray, joined: np.ndarray, k: int, seed: int
) -> Clustering:
    """The concepts of a pool that changed, from those of the pool as it was.

    An old concept keeps its number. New ones are appended among the items that joined, up to k concepts that hold
    items. A concept that no item is nearest to any more keeps its place, and nothing belongs to it. Where items only
    left, nothing moves: if they come back, they find their concepts where they were.

    Args:
        vectors: (n, e) of the pool as it is now, in the old maps.
        centroids: (k_old, e).
        joined: (n,) bool, the items that are new.
        k: concepts wanted; never fewer than there are.
        seed: of the new ones.

    Returns:
        The clustering, k_old or more concepts, of which `sizes` may be 0.
    """
    import numpy as np

    fresh = np.flatnonzero(joined)
    grown = np.array(centroids, np.float32)
    if len(fresh):
        nearest, squared = nearest_centroid(vectors, grown)
        living = len(np.unique(nearest))
        begun = far_items(vectors[fresh], squared[fresh], max(0, k - living), seed)
        grown = lloyd(vectors, np.concatenate([grown, vectors[fresh[begun]]]))
    return settled_clustering(vectors, grown, seed)


def settled_clustering(vectors: np.ndarray, centroids: np.ndarray, seed: int) -> Clustering:
    """Memberships (n, k) among the centroids (k, e) that are nearest to an item; the others get none."""
    import numpy as np

    nearest, _ = nearest_centroid(vectors, centroids)
    Z, bandwidth = memberships_among(vectors, centroids, np.unique(nearest))
    return Clustering(centroids, Z, np.bincount(nearest_concept(Z), minlength=len(centroids)), bandwidth, seed)


def memberships_among(
    vectors: np.ndarray, centroids: np.ndarray, living: np.ndarray, bandwidth: float | None = None
) -> tuple[csr_matrix, float]:
    """As `memberships`, but in the concepts that hold items only.

    Args:
        vectors: (n, e).
        centroids: (k, e).
        living: numbers of the concepts that hold items.
        bandwidth: as for `memberships`.

    Returns:
        Z (n, k), and the bandwidth.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    Z, bandwidth = memberships(vectors, centroids[living], bandwidth)
    columns = living[Z.indices].astype(np.int32)
    return csr_matrix((Z.data, columns, Z.indptr), shape=(len(vectors), len(centroids))), bandwidth


def explained_share(X: np.ndarray, W: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """The share of each item's squared distance from the mean that lies in the directions of W.

    Args:
        X: (n, d) features.
        W: (e, d), rows at right angles as `whiten` gives them.
        mean: (d,), or as `centre_of` gives it.

    Returns:
        (n,) from 0 to 1; 1 for an item at the mean.
    """
    import numpy as np

    apart = X - mean[: X.shape[1]]  # features that are few have one number more
    whole = np.einsum("nd,nd->n", apart, apart, dtype=np.float64)
    inside = ((apart @ unit_rows(W).T).astype(np.float64) ** 2).sum(axis=1)
    return np.divide(inside, whole, out=np.ones(len(X)), where=whole > 0)


def held_out_share(
    features: Features, dims: int, seed: int, layers: Sequence[str] = ()
) -> tuple[float, float, int] | None:
    """What share of items the maps explain that they were not fitted on: mean, deviation and number of these items.

    Of the items that maps are fitted on they explain more (small pools: by points), so new items cannot be compared
    with them. Maps fitted on four fifths of a sample are looked at on the last fifth.

    Args:
        features: of the items.
        dims, seed: as for the maps.
        layers: that are looked at; all where none is named.

    Returns:
        None where there are too few items to say.
    """
    import numpy as np

    sample = np.random.default_rng(seed).permutation(sample_rows(len(features), JUDGED, seed))
    cut = len(sample) * 4 // 5
    if len(sample) - cut < FEWEST:
        return None
    shares = []
    for layer in layers or features.layers:
        X = features.rows(layer, sample)
        W, _ = whiten(X[:cut], dims, seed)
        shares.append(explained_share(X[cut:], W, X[:cut].mean(axis=0)))
    mean = np.mean(shares, axis=0)
    return float(mean.mean()), float(mean.std(ddof=1)), len(mean)


def shares_of(features: Features, rows: np.ndarray, maps: Maps) -> np.ndarray:
    """The share of each of some items that the maps explain, the mean over the layers that count, (M,)."""
    import numpy as np

    parts: Iterator[np.ndarray] = (
        explained_share(features.rows(layer, rows), maps.layers[layer][0], maps.means[layer]) for layer in maps.live
    )
    return np.mean(list(parts), axis=0)


def outgrown(shares: np.ndarray, held_out: tuple[float, float, int]) -> bool:
    """Whether maps explain new items clearly worse than old ones.

    Clearly: by more than 3 standard errors of the difference and a hundredth, and a tenth more of them is left
    unexplained.

    Args:
        shares: (M,) of new items, from `shares_of`.
        held_out: of old ones, from `held_out_share`.
    """
    import numpy as np

    if len(shares) < FEWEST:
        return False
    mean, deviation, n = held_out
    error = np.sqrt(deviation**2 / n + shares.var(ddof=1) / len(shares))
    worse = (1 - shares.mean()) >= WORSE * (1 - mean)
    return bool(worse and mean - shares.mean() > max(SURE * error, TRIFLE))
