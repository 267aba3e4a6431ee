"""Knowledge propagation over the concept graph, with labels, ticks, switches and priors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kgkt.concepts.threads import one_thread
from kgkt.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import ConceptGraph, Labels

ALPHA = 0.9
ALPHAS = (0.3, 0.5, 0.7, 0.85, 0.9, 0.95)  # that labels choose from
ENOUGH = 5  # labels a class, from which labels choose
# Many classes on few concepts want less of it; measured on 86 classes, with 2.5 and with 5 concepts a class.
MANY = 20  # classes; above, these hold
ALPHA_OF_MANY, ALPHAS_OF_MANY = 0.3, (0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
DENSE_UP_TO = 3000  # concepts; a factorisation is held up to here, conjugate gradients above
NO_LABELS = "nothing is labelled yet: kgkt suggest says which items to label, kgkt label takes them"


@dataclass(frozen=True, slots=True)
class Spreader:
    """(I - alpha S)^-1 held ready for any number of right-hand sides.

    Args:
        solve: (k, r) -> (k, r); rows of inactive concepts are 0.
        active: (k,) bool.
        component: (k,) number of the connected component of each active concept, -1 for inactive ones.
        alpha: how far knowledge travels.
    """

    solve: Callable[[np.ndarray], np.ndarray]
    active: np.ndarray
    component: np.ndarray
    alpha: float


@dataclass(frozen=True, slots=True)
class Seeds:
    """Labels and ticks as one-hot columns: the c classes, then one hidden class for each denied class.

    Args:
        items: (s,) item index of each seed.
        columns: (s,) column of each seed.
        hidden: (h,) the class that each hidden column denies.
        n_classes: c.
    """

    items: np.ndarray
    columns: np.ndarray
    hidden: np.ndarray
    n_classes: int

    @property
    def width(self) -> int:
        """c + h."""
        return self.n_classes + len(self.hidden)


def make_spreader(graph: ConceptGraph, alpha: float = ALPHA, once: bool = False) -> Spreader:
    """Factorise I - alpha S of the active part of the graph.

    Args:
        graph: edges, weights and active flags.
        alpha: 0 <= alpha < 1.
        once: it is going to be asked once or twice: nothing is factorised, which would take longer than the asking.

    Raises:
        InputError: no concept is active, or alpha is out of range.

    Reference: Zhou et al. 2004, S = D^-1/2 E D^-1/2.
    """
    return spreader_of(len(graph), graph.edges, graph.weights, graph.active, alpha, once)


def spreader_of(
    k: int, edges: np.ndarray, weights: np.ndarray, active: np.ndarray, alpha: float = ALPHA, once: bool = False
) -> Spreader:
    """The same from arrays: edges (m, 2), weights (m,), active (k,)."""
    import numpy as np
    from scipy.sparse import csr_matrix, diags, identity
    from scipy.sparse.csgraph import connected_components

    if not 0 <= alpha < 1:
        raise InputError(f"alpha must lie in 0 <= alpha < 1, received {alpha}")
    on = np.flatnonzero(active)
    if not len(on):
        raise InputError("every concept is switched off: switch at least one on (kgkt switch on QUERY)")
    both = np.concatenate([edges, edges[:, ::-1]])
    E = csr_matrix((np.tile(weights, 2), (both[:, 0], both[:, 1])), shape=(k, k))[on][:, on]
    degree = np.asarray(E.sum(axis=1)).ravel()
    root = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)
    S = diags(root) @ E @ diags(root)
    component = np.full(k, -1)
    component[on] = connected_components(E, directed=False)[1]
    inner = _solver(identity(len(on)) - alpha * S, 0 if once else DENSE_UP_TO)

    def solve(right: np.ndarray) -> np.ndarray:
        out = np.zeros((k, right.shape[1]))
        out[on] = inner(np.ascontiguousarray(right[on], np.float64))
        return out

    return Spreader(solve, np.asarray(active, bool), component, alpha)


def _solver(A: csr_matrix, dense_up_to: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function that solves A x = b for columns b: Cholesky, or conjugate gradients for larger A."""
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve
    from scipy.sparse.linalg import cg

    if A.shape[0] <= dense_up_to:
        factor = cho_factor(A.toarray(), lower=True, overwrite_a=True, check_finite=False)
        return lambda b: cho_solve(factor, b, check_finite=False)

    def iterate(b: np.ndarray) -> np.ndarray:
        columns = []
        for j in range(b.shape[1]):
            x, failed = cg(A, b[:, j], rtol=1e-9, atol=0.0, maxiter=2000)
            if failed:
                raise InputError(f"propagation did not converge on {A.shape[0]} concepts; lower alpha")
            columns.append(x)
        return np.stack(columns, axis=1)

    return iterate


def make_seeds(labels: Labels) -> Seeds:
    """Columns for labels and ticks.

    A tick on an item that carries another class's label is none: the label denies the class already, and a hidden class
    beside it would only pull away what is like the item.

    Raises:
        InputError: no label at all, or a tick where there is no other class for the item to go to.
    """
    import numpy as np

    if not len(labels):
        raise InputError(NO_LABELS)
    c = len(labels.names)
    open_ = ~np.isin(labels.tick_items, labels.items)
    ticks, denied = labels.tick_items[open_], labels.tick_classes[open_]
    hidden = np.unique(denied)
    if len(hidden) and c < 2:
        raise InputError(f"a tick (not:{labels.names[0]}) needs a second class that the item may belong to")
    columns = np.concatenate([labels.classes, c + np.searchsorted(hidden, denied)])
    return Seeds(np.concatenate([labels.items, ticks]), columns, hidden, c)


def without_items(seeds: Seeds, items: np.ndarray | int) -> Seeds:
    """The labels and ticks of all other items; the columns stay those that they were."""
    import numpy as np

    kept = ~np.isin(seeds.items, items)
    return Seeds(seeds.items[kept], seeds.columns[kept], seeds.hidden, seeds.n_classes)


def seed_values(seeds: Seeds) -> np.ndarray:
    """(s,) the worth of each seed: one over the number of seeds in its column, so that classes weigh the same."""
    import numpy as np

    return 1.0 / np.bincount(seeds.columns, minlength=seeds.width)[seeds.columns]


def propagate_masses(spreader: Spreader, Z: csr_matrix, seeds: Seeds) -> tuple[np.ndarray, np.ndarray]:
    """G = (I - alpha S)^-1 Z_L' Y: how much of each class's knowledge arrives at each concept.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        seeds: labels and ticks.

    Returns:
        G (k, c + h) float64, and (k,) bool: whether any label reaches the concept.

    Reference: Zhou et al. 2004; each class divided by its number of labels.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    s = len(seeds.items)
    Y = csr_matrix((seed_values(seeds), (np.arange(s), seeds.columns)), shape=(s, seeds.width))
    right = np.asarray((Z[seeds.items].T @ Y).todense(), np.float64)
    right[~spreader.active] = 0
    G = np.maximum(spreader.solve(right), 0)
    seeded = np.unique(spreader.component[(right.sum(axis=1) > 0)])
    reached = np.isin(spreader.component, seeded[seeded >= 0])
    G[~reached] = 0
    return G, reached


def item_posterior(
    Z: csr_matrix, G: np.ndarray, prior: np.ndarray | None, n_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """P = rows to 1 of Z G, uniform where nothing arrives.

    Args:
        Z: (n, k) memberships.
        G: (k, c + h).
        prior: (c,) class shares of the pool, or None.
        n_classes: c.

    Returns:
        P (n, c + h) float64 and (n,) bool: whether anything arrived.
    """
    raw = Z @ G
    reached = raw.sum(axis=1) > 0
    P = normalise(raw, None, n_classes)
    if prior is not None and reached.any():
        P[reached] = normalise(P[reached], prior, n_classes)
    return P, reached


def normalise(P: np.ndarray, prior: np.ndarray | None, n_classes: int, rounds: int = 30) -> np.ndarray:
    """Rows of P (n, c + h) to 1; with a prior also columns to the prior (Sinkhorn, 30 rounds).

    Hidden columns keep the share that they have: the prior speaks of the named classes only, and of those only that
    something speaks for; the share of a class without any (its concepts are off) goes to the others.
    A row of zeros becomes uniform over the named classes.

    Reference: Sinkhorn & Knopp 1967.
    """
    import numpy as np

    P = np.array(P, np.float64)
    across, along = np.ones(P.shape[1]), np.ones(len(P))  # sums as products: of short rows several times faster
    empty = ~(P @ across > 0)
    P[empty, :n_classes] = 1.0
    P[empty, n_classes:] = 0.0
    P /= (P @ across)[:, None]
    if prior is None:
        return P
    there = P[:, :n_classes].sum(axis=0) > 0
    if there.any() and not there.all():  # what such a class cannot take would go to the hidden columns, round by round
        prior = np.where(there, prior, 0.0) / prior[there].sum()
    for _ in range(rounds):
        column = along @ P
        hidden = column[n_classes:].sum()
        wanted = prior * (len(P) - hidden)
        P[:, :n_classes] *= np.divide(wanted, column[:n_classes], out=np.ones(n_classes), where=column[:n_classes] > 0)
        P /= (P @ across)[:, None]
    return P


def settle(P: np.ndarray, seeds: Seeds) -> tuple[np.ndarray, np.ndarray]:
    """Resolve hidden classes: an item that one wins gets 0 for the denied class, uniform over the rest.

    Args:
        P: (n, c + h), rows sum to 1.
        seeds: with the hidden columns.

    Returns:
        (n, c) rows sum to 1, and (n,) the class a tick took the item from, -1 for the others.
    """
    import numpy as np

    c = seeds.n_classes
    out = P[:, :c].copy()
    ticked = np.full(len(P), -1)
    winner = P.argmax(axis=1)
    for column, denied in enumerate(seeds.hidden):
        won = winner == c + column
        out[won] = 1.0 / (c - 1)
        out[won, denied] = 0.0
        ticked[won] = denied
    return normalise(out, None, c), ticked


def leave_one_out(spreader: Spreader, Z: csr_matrix, labels: Labels) -> float | None:
    """Share of labelled items that the others would have labelled right; None where no class has two labels.

    Closed form: K = Z_L (I - alpha S)^-1 Z_L', diagonal 0, own seed left out of its class's count.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        labels: M labels.
    """
    import numpy as np

    counts = np.bincount(labels.classes, minlength=len(labels.names))
    judged = np.flatnonzero(counts[labels.classes] >= 2)
    if not len(judged):
        return None
    scores = loo_scores(spreader, Z, labels)
    return float(np.mean(scores[judged].argmax(axis=1) == labels.classes[judged]))


def hearing(labels: Labels, Z: csr_matrix, active: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(M,) and (T,) bool: which labels and ticks teach: those of items of which a concept is on.

    Where every concept is off, which no verb allows, all of them: `make_spreader` refuses that.

    Args:
        labels: of the pool.
        Z: (n, k) memberships.
        active: (k,) bool.
    """
    import numpy as np

    if active.all() or not active.any():
        return np.ones(len(labels), bool), np.ones(len(labels.tick_items), bool)
    on = np.asarray(Z[:, active].sum(axis=1)).ravel() > 0
    return on[labels.items], on[labels.tick_items]


def heard_labels(labels: Labels, Z: csr_matrix, active: np.ndarray) -> Labels:
    """The labels and ticks that teach: not those of an item whose concepts are all switched off.

    Args:
        labels: of the pool.
        Z: (n, k) memberships.
        active: (k,) bool.

    Raises:
        InputError: there are labels, and concepts that are on, but no label lies in one.
    """
    told, ticked = hearing(labels, Z, active)
    if told.all() and ticked.all():
        return labels
    if len(labels) and not told.any():
        raise InputError("every label lies in concepts that are off: switch one of them on (kgkt switch on QUERY), or "
                         "label items elsewhere")
    return replace(
        labels, items=labels.items[told], classes=labels.classes[told], tick_items=labels.tick_items[ticked],
        tick_classes=labels.tick_classes[ticked],
    )  # fmt: skip


def usual_count(labels: Labels) -> int:
    """Labels of the middle class, among those that have one."""
    import numpy as np

    counts = np.bincount(labels.classes)
    return int(np.median(counts[counts > 0])) if len(labels) else 0


def usual_alpha(n_classes: int) -> float:
    """How far knowledge travels where labels cannot choose: .9, with more than 20 classes .3."""
    return ALPHA if n_classes <= MANY else ALPHA_OF_MANY


@one_thread()
def choose_alpha(graph: ConceptGraph, Z: csr_matrix, labels: Labels) -> float:
    """How far knowledge travels: the alpha at which most labels are found again when they are left out.

    Many classes on few concepts want less of it than few classes. Ties go to the value nearest to the usual one, which
    also holds below five labels a class (two, of more than 20 classes), where leaving one out says too little.

    Args:
        graph: of k concepts.
        Z: (n, k) memberships.
        labels: M labels.
    """
    usual = usual_alpha(len(labels.names))
    if usual_count(labels) < ENOUGH:
        return usual
    alphas = ALPHAS if len(labels.names) <= MANY else ALPHAS_OF_MANY
    found = {alpha: leave_one_out(make_spreader(graph, alpha), Z, labels) or 0.0 for alpha in alphas}
    return max(alphas, key=lambda alpha: (found[alpha], -abs(alpha - usual)))


def loo_scores(spreader: Spreader, Z: csr_matrix, labels: Labels) -> np.ndarray:
    """(M, c) propagated score of each class for each labelled item, its own label left out."""
    import numpy as np

    ZL = Z[labels.items]
    right = np.asarray(ZL.T.todense(), np.float64)
    right[~spreader.active] = 0
    K = ZL @ spreader.solve(right)
    np.fill_diagonal(K, 0.0)
    c = len(labels.names)
    Y = np.zeros((len(labels), c))
    Y[np.arange(len(labels)), labels.classes] = 1
    count = Y.sum(axis=0) - Y
    return np.divide(K @ Y, count, out=np.zeros_like(Y), where=count > 0)
