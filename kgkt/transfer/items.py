"""The item part of the teacher: the concepts' answer carried over the graph of nearest items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.propagate import Seeds, normalise
from kgkt.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

NEIGHBOURS = 10
EXACT_UP_TO = 60_000  # items; approximate neighbours above
SMOOTHING_STEPS = 5
SMOOTHING = 0.8
SHARPNESS = 2.0
DECAY = 2.0  # of an edge's weight with the squared distance, in units of the item's farthest neighbour
TOLERANCE = 1e-6  # of a residual, in units of its right-hand side
ROUGH = 1e-3  # the same where an answer only judges: on the benchmark tasks no judgement changed
ITERATIONS = 1000
VOLUME_ROUNDS = 10
VOLUME_STEPS = 10
VOLUME_SHARPNESS = 10
VOLUME_SMOOTHINGS = 3


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


def neighbour_graph(index: np.ndarray, vectors: np.ndarray) -> csr_matrix:
    """Symmetric graph of the items: an edge weighs exp(-2 d^2 / d_q^2), averaged over both ends.

    Args:
        index: (n, q) the nearest other items of each item.
        vectors: (n, e) embedding, which gives the distances d; d_q is that of an item's farthest neighbour.

    Returns:
        A (n, n), weights from e^-2 / 2 (only one lists the other) to 1.

    Reference: Zelnik-Manor & Perona 2004 (a scale of its own for each item).
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    n, q = index.shape
    squared = np.empty(index.shape)
    for start in range(0, n, 8192):
        rows = slice(start, start + 8192)
        apart = vectors[index[rows]].astype(np.float64) - vectors[rows, None]
        squared[rows] = np.einsum("nqe,nqe->nq", apart, apart)
    farthest = squared.max(axis=1, keepdims=True)
    weights = np.exp(-DECAY * np.divide(squared, farthest, out=np.zeros_like(squared), where=farthest > 0))
    A = csr_matrix((weights.ravel(), index.ravel(), np.arange(0, n * q + 1, q)), shape=(n, n))
    return ((A + A.T) / 2).tocsr()


def item_answer(
    P: np.ndarray,
    reached: np.ndarray,
    A: csr_matrix,
    seeds: Seeds,
    prior: np.ndarray | None,
    *,
    both: bool = True,
    rough_to: float = 0.0,
) -> np.ndarray:
    """The graph's answer over items: rows to 1 of the geometric mean of its parts.

    These are the smoothed answer of the concepts (`both`), Poisson learning and, where the class shares are known,
    the answer that keeps to them as it diffuses (`volume_answer`), which starts from the others' mean.

    Args:
        P: (n, c + h) the concepts' answer.
        reached: (n,) bool; the others (their concepts are off, or no label reaches them) take no part.
        A: (n, n) symmetric neighbour graph.
        seeds: labels and ticks.
        prior: (c,) or None.
        both: whether the smoothed answer of the concepts is a factor beside Poisson learning.
        rough_to: of an answer that only judges others: how exact Poisson learning has to be (ROUGH, say); it goes
            without `volume_answer`. 0: the answer that teaches.

    Returns:
        (n, c + h).
    """
    import numpy as np

    on = np.flatnonzero(reached)
    if not len(on):
        return P
    inner, A = within(seeds, on, len(P)), A[on][:, on]
    factors = [poisson(A, inner, prior, rough_to or TOLERANCE)] + ([smooth(P[on], A, inner)] if both else [])
    if not rough_to and prior is not None:
        factors.append(volume_answer(A, inner, prior, _mean(factors)))
    out = P.copy()
    out[on] = normalise(_mean(factors), prior, seeds.n_classes)
    return out


def _mean(factors: list[np.ndarray]) -> np.ndarray:
    """Geometric mean of answers (n, c + h)."""
    import numpy as np

    return np.prod(factors, axis=0) ** (1 / len(factors))


def smooth_answer(
    P: np.ndarray, reached: np.ndarray, A: csr_matrix, seeds: Seeds, prior: np.ndarray | None, share: float = 1.0
) -> np.ndarray:
    """An answer smoothed over the nearest items, among those that something reaches.

    The rounds judge each item by its features alone; this takes back what its neighbours all say otherwise.

    Args:
        P: (n, c + h) answer, rows sum to 1.
        reached: (n,) bool; the others keep their row and pass nothing on.
        A: (n, n) symmetric neighbour graph.
        seeds: labels and ticks.
        prior: (c,) or None.
        share: how much of it is done, 0 to 1: weight of the smoothed answer in a geometric mean with P.

    Returns:
        (n, c + h), rows sum to 1.
    """
    import numpy as np

    on = np.flatnonzero(reached)
    if not len(on):
        return P
    out = P.copy()
    smoothed = smooth(P[on], A[on][:, on], within(seeds, on, len(P)))
    if share < 1:
        smoothed = smoothed**share * P[on] ** (1 - share)
    out[on] = normalise(smoothed, prior, seeds.n_classes)
    return out


def within(seeds: Seeds, on: np.ndarray, n: int) -> Seeds:
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


def poisson(
    A: csr_matrix, seeds: Seeds, prior: np.ndarray | None = None, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Poisson learning on the items: L u = sum over labels of (onehot - mean)/count, softmax of 2u.

    Args:
        A: (n, n) symmetric.
        seeds: labels and ticks, as item indices of A.
        prior: (c,) or None.
        tolerance: of the solution's residual, in units of the right-hand side.

    Returns:
        (n, c + h), rows sum to 1; 0 for a class without label, uniform over the others in components without any.

    Reference: Calder, Cook, Thorpe & Slepcev 2020.
    """
    import numpy as np
    from scipy.sparse import csr_matrix, diags
    from scipy.sparse.csgraph import connected_components

    n = A.shape[0]
    degree = np.asarray(A.sum(axis=1)).ravel()
    counts = np.bincount(seeds.columns, minlength=seeds.width)
    source = np.zeros((n, seeds.width))
    np.add.at(source, (seeds.items, seeds.columns), 1.0 / counts[seeds.columns])
    number, component = connected_components(A, directed=False)
    inside = csr_matrix((np.ones(n), (component, np.arange(n))), shape=(number, n))
    source[degree == 0] = 0.0  # an item without neighbours keeps an even row
    mass = inside @ degree
    mass = np.where(mass > 0, mass, 1.0)[:, None]
    # L is singular on each component: the source must sum to 0 there, so its mean leaves with the degree
    source -= degree[:, None] * (inside.T @ (inside @ source / mass))
    u = _solve((diags(degree) - A).tocsr(), source, 1.0 / np.where(degree > 0, degree, 1.0), tolerance)
    u -= inside.T @ (inside @ (degree[:, None] * u) / mass)
    u -= u.mean(axis=1, keepdims=True)  # what all classes share: the same as taking the mean from each source
    spread = u.std()
    u = SHARPNESS * u / spread if spread > 0 else u
    told = np.zeros((number, seeds.width))
    np.add.at(told, (component[seeds.items], seeds.columns), 1.0)
    share = (inside @ degree) / max(degree.sum(), 1e-300)
    Q = _among_components(u, component, told, share)
    Q[degree == 0] = 1.0
    Q[:, counts == 0] = 0.0
    return normalise(Q, prior, seeds.n_classes)


def _among_components(u: np.ndarray, component: np.ndarray, told: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Softmax of u over the classes that have a label in an item's component; the others get what is likely there.

    Inside of a component u compares classes that have labels in it; of one without, 0 everywhere, it says nothing. How
    likely a class is in a component, its labels say: a part of one label is added to them, as large as the component's
    part of the graph.

    Args:
        u: (n, c + h), sums to 0 in each component.
        component: (n,) numbers.
        told: (number of components, c + h) labels and ticks.
        share: (number of components,) part of the graph's degree.

    Returns:
        (n, c + h), rows sum to 1; even over the classes that have a label in components without any.
    """
    import numpy as np

    seeded = told.sum(axis=0) > 0
    likely = np.where(seeded, (told + share[:, None]) / (told.sum(axis=0) + 1.0), 0.0)
    likely /= np.maximum(likely.sum(axis=1, keepdims=True), 1e-300)
    here = told > 0
    here[~here.any(axis=1)] = seeded
    u = np.where(here[component], u, -np.inf)
    Q = np.exp(u - u.max(axis=1, keepdims=True))
    Q *= (np.where(here, likely, 0.0).sum(axis=1)[component] / Q.sum(axis=1))[:, None]
    return Q + np.where(here, 0.0, likely)[component]


def _solve(L: csr_matrix, b: np.ndarray, scale: np.ndarray, tolerance: float) -> np.ndarray:
    """Conjugate gradients for all columns of b (n, c) at once, each until its residual is `tolerance` of b's.

    One product with all columns costs little more than with one, which SciPy's solver takes at a time.

    Args:
        L: (n, n) symmetric, positive semidefinite, b in its range.
        b: right-hand sides.
        scale: (n,) diagonal preconditioner.

    Reference: Hestenes & Stiefel 1952.
    """
    import numpy as np

    wanted = np.maximum(tolerance * np.linalg.norm(b, axis=0), 1e-12)
    x, r = np.zeros_like(b), b.copy()
    z = scale[:, None] * r
    p, size = z.copy(), np.einsum("nc,nc->c", r, z)
    for _ in range(ITERATIONS):
        open_ = np.linalg.norm(r, axis=0) > wanted
        if not open_.any():
            return x
        q = L @ p
        curvature = np.einsum("nc,nc->c", p, q)
        step = np.divide(size, curvature, out=np.zeros_like(size), where=open_ & (curvature > 0))
        x += step * p
        r -= step * q
        z = scale[:, None] * r
        before, size = size, np.einsum("nc,nc->c", r, z)
        p = z + np.divide(size, before, out=np.zeros_like(size), where=open_ & (before > 0)) * p
    raise InputError(f"Poisson learning did not converge on {len(b)} items; use --spread concepts")


def volume_answer(A: csr_matrix, seeds: Seeds, prior: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Diffusion of classes whose sizes are known: hand out the items by the prior, let classes diffuse, again.

    Args:
        A: (n, n) symmetric; its weights do not count here.
        seeds: labels and ticks.
        prior: (c,) class shares; the hidden class of a tick has the size that diffusion gives it.
        start: (n, c + h) the answer to begin with.

    Returns:
        (n, c + h), the items as last handed out, smoothed over A three times: how far a diffusion that is forced
        to the shares went wrong shows in its neighbours; rows sum to 1.

    Reference: after PoissonMBO, Calder, Cook, Thorpe & Slepcev 2020 (there with the package's own time step).
    """
    import numpy as np
    from scipy.sparse import diags

    links = A.sign()
    degree = np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1.0)
    walk = (diags(0.5 / degree) @ links).tocsr()
    onehot = np.eye(seeds.width)
    source = np.zeros_like(start)
    source[seeds.items] = onehot[seeds.columns] - onehot[seeds.columns].mean(axis=0)
    source *= (0.5 / degree)[:, None]

    def hand_out(P: np.ndarray) -> np.ndarray:
        P = np.maximum(P, 0.0)
        P = P / np.maximum(P.max(axis=1, keepdims=True), 1e-300)
        return onehot[normalise(P**VOLUME_SHARPNESS, prior, seeds.n_classes).argmax(axis=1)]

    u = hand_out(start)
    for _ in range(VOLUME_ROUNDS):
        for _ in range(VOLUME_STEPS):
            u = 0.5 * u + walk @ u + source
        u = hand_out(u)
    for _ in range(VOLUME_SMOOTHINGS):
        u = smooth(u, A, seeds)
    return u
