"""The item part of the teacher: the concepts' answer carried over the graph of nearest items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.propagate import Seeds, normalise
from kgkt.errors import InputError
from kgkt.transfer.prototypes import pt_map

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

NEIGHBOURS = 10
EXACT_UP_TO = 60_000  # items; approximate neighbours above
SMOOTHING_STEPS = 5
SMOOTHING = 0.8
SHARPNESS = 2.0


def nearest_items(vectors: np.ndarray, how_many: int = NEIGHBOURS, seed: int = 0) -> np.ndarray:
    """The nearest other items of each item, (n, how_many) int32: exact up to 60,000 items, else pynndescent's.

    Args:
        vectors: (n, e) unit rows.
        how_many: neighbours; fewer where there are fewer items.
        seed: of the approximate search.
    """
    import numpy as np

    n = len(vectors)
    how_many = min(how_many, n - 1)
    if how_many < 1:
        raise InputError(f"{n} item has no neighbours: spread concepts needs none")
    if n <= EXACT_UP_TO:
        from sklearn.neighbors import NearestNeighbors

        return NearestNeighbors(n_neighbors=how_many).fit(vectors).kneighbors(return_distance=False).astype(np.int32)
    try:
        from pynndescent import NNDescent
    except ImportError as error:
        raise InputError(
            f"nearest items of {n} items need an approximate search: pip install 'kgkt[large]', or --spread concepts"
        ) from error

    index, _ = NNDescent(vectors, n_neighbors=how_many + 1, random_state=seed).neighbor_graph
    own = index == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True  # an item that is not in its own list gives up the farthest
    return index[~own].reshape(n, how_many).astype(np.int32)


def neighbour_graph(index: np.ndarray) -> csr_matrix:
    """Symmetric, unweighted A (n, n) from neighbour lists (n, q): 1 where either lists the other."""
    import numpy as np
    from scipy.sparse import csr_matrix

    n, q = index.shape
    A = csr_matrix((np.ones(n * q), index.ravel(), np.arange(0, n * q + 1, q)), shape=(n, n))
    return A.maximum(A.T).tocsr()


def item_answer(
    P: np.ndarray,
    reached: np.ndarray,
    A: csr_matrix | None,
    seeds: Seeds,
    prior: np.ndarray | None,
    *,
    both: bool = True,
    features: np.ndarray | None = None,
) -> np.ndarray:
    """Rows to 1 of the geometric mean of what the parts of the teacher say: sqrt(smoothed * Poisson) by default.

    Args:
        P: (n, c + h) the concepts' answer.
        reached: (n,) bool; the others (their concepts are off, or no label reaches them) take no part.
        A: (n, n) symmetric neighbour graph; None leaves the concepts' answer as it is.
        seeds: labels and ticks.
        prior: (c,) or None.
        both: whether the smoothed answer of the concepts is a factor beside Poisson learning.
        features: (n, d) unwhitened features of A: class prototypes in them are a further factor; or None.

    Returns:
        (n, c + h).
    """
    import numpy as np

    on = np.flatnonzero(reached)
    if not len(on):
        return P
    inner = _within(seeds, on, len(P))
    factors = [P[on]]
    if A is not None:
        A = A[on][:, on]
        factors = [poisson(A, inner, prior)] + ([smooth(P[on], A, inner)] if both else [])
    if features is not None:
        factors.append(pt_map(features[on], inner, prior))
    Q = factors[0]
    for factor in factors[1:]:
        Q = Q * factor
    out = P.copy()
    out[on] = normalise(Q ** (1 / len(factors)), prior, seeds.n_classes)
    return out


def smooth_answer(
    P: np.ndarray, reached: np.ndarray, A: csr_matrix, seeds: Seeds, prior: np.ndarray | None
) -> np.ndarray:
    """An answer smoothed over the nearest items, among those that something reaches.

    The rounds judge each item by its features alone; this takes back what its neighbours all say otherwise.

    Args:
        P: (n, c + h) answer, rows sum to 1.
        reached: (n,) bool; the others keep their row and pass nothing on.
        A: (n, n) symmetric neighbour graph.
        seeds: labels and ticks.
        prior: (c,) or None.

    Returns:
        (n, c + h), rows sum to 1.
    """
    import numpy as np

    on = np.flatnonzero(reached)
    if not len(on):
        return P
    out = P.copy()
    out[on] = normalise(smooth(P[on], A[on][:, on], _within(seeds, on, len(P))), prior, seeds.n_classes)
    return out


def _within(seeds: Seeds, on: np.ndarray, n: int) -> Seeds:
    """The seeds among the items `on` of n, numbered as they stand there."""
    import numpy as np

    place = np.full(n, -1)
    place[on] = np.arange(len(on))
    kept = place[seeds.items] >= 0
    return Seeds(place[seeds.items[kept]], seeds.columns[kept], seeds.hidden, seeds.n_classes)


def smooth(P: np.ndarray, A: csr_matrix, seeds: Seeds) -> np.ndarray:
    """5 steps of P <- .8 D^-1 A P + .2 of the P it began with, the seeds reset at each."""
    import numpy as np

    degree = np.asarray(A.sum(axis=1)).ravel()
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)[:, None]
    onehot = np.eye(seeds.width)[seeds.columns]
    start = P.copy()
    start[seeds.items] = onehot
    Q = start
    for _ in range(SMOOTHING_STEPS):
        Q = SMOOTHING * inverse * (A @ Q) + (1 - SMOOTHING) * start
        Q[seeds.items] = onehot
    return normalise(Q, None, seeds.n_classes)


def poisson(A: csr_matrix, seeds: Seeds, prior: np.ndarray | None = None) -> np.ndarray:
    """Poisson learning on the items: L u = sum over labels of (onehot - mean)/count, softmax of 2u.

    Args:
        A: (n, n) symmetric.
        seeds: labels and ticks, as item indices of A.
        prior: (c,) or None.

    Returns:
        (n, c + h), rows sum to 1; uniform in components without a label.

    Reference: Calder, Cook, Thorpe & Slepcev 2020.
    """
    import numpy as np
    from scipy.sparse import diags
    from scipy.sparse.csgraph import connected_components
    from scipy.sparse.linalg import cg

    n = A.shape[0]
    degree = np.asarray(A.sum(axis=1)).ravel()
    L = (diags(degree) - A).tocsr()
    counts = np.bincount(seeds.columns, minlength=seeds.width)
    source = np.zeros((n, seeds.width))
    np.add.at(source, (seeds.items, seeds.columns), 1.0 / counts[seeds.columns])
    component = connected_components(A, directed=False)[1]
    u = np.zeros_like(source)
    scale = diags(1.0 / np.maximum(degree, 1.0))
    for j in range(seeds.width):
        # L is singular on each component: the source must sum to 0 there, so its mean leaves with the degree
        total = np.bincount(component, weights=source[:, j])
        mass = np.bincount(component, weights=degree)
        b = source[:, j] - degree * (total / np.maximum(mass, 1.0))[component]
        x, failed = cg(L, b, rtol=1e-6, atol=1e-12, maxiter=1000, M=scale)
        if failed:
            raise InputError(f"Poisson learning did not converge on {n} items; use --spread concepts")
        centre = np.bincount(component, weights=degree * x) / np.maximum(mass, 1.0)
        u[:, j] = x - centre[component]
    u -= u.mean(axis=1, keepdims=True)  # what all classes share: the same as taking the mean from each source
    spread = u.std()
    u = SHARPNESS * u / spread if spread > 0 else u
    u -= u.max(axis=1, keepdims=True)
    Q = np.exp(u)
    Q[degree == 0] = 1.0
    return normalise(Q, prior, seeds.n_classes)
