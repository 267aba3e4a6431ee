"""The teacher: what the graph and A's features together say of every item of the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.propagate import (
    ALPHA,
    Spreader,
    item_posterior,
    leave_one_out,
    make_seeds,
    make_spreader,
    normalise,
    propagate_masses,
    settle,
)
from kgkt.errors import InputError, UsageError, nearest
from kgkt.transfer.head import logistic
from kgkt.values import Expert, Targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import ConceptGraph, Labels

REVISION = 5  # of what `teach` and the rows of `evaluate` answer: figures kept from another one are computed anew
ROUNDS = 3
ROUND_SAMPLE = 20_000  # items that a round's logistic head is fitted on, at most
SPREADS = ("concepts", "items", "both")
EXPERTS = ("none", "prototypes")


def teach(
    graph: ConceptGraph,
    Z: csr_matrix,
    labels: Labels,
    head: np.ndarray,
    *,
    spread: str = "concepts",
    expert: str = "none",
    prior: np.ndarray | None = None,
    alpha: float = ALPHA,
    neighbours: csr_matrix | None = None,
    n_rounds: int = ROUNDS,
    spreader: Spreader | None = None,
) -> Targets:
    """Soft targets for every item, from a few labels and ticks.

    The graph's answer (propagation over concepts, over items, or both), then rounds in which a
    logistic head on A's features of the whole pool is fitted to the answer and multiplied into it; with
    "items" and "both" the outcome is smoothed over the nearest items.

    Args:
        graph: of k concepts, with the active flags that people set.
        Z: (n, k) memberships.
        labels: labels and ticks.
        head: (n, h) head features.
        spread: "concepts", "items" or "both".
        expert: "prototypes" multiplies class prototypes in A's features in, which helps where A was trained for
            cosine (sentence models) and harms elsewhere; or "none".
        prior: (c,) class shares of the pool if the user knows them, else None. Never estimated here.
        alpha: how far knowledge travels.
        neighbours: (n, n) symmetric graph of nearest items; needed by "items" and "both".
        n_rounds: rounds with the logistic head.
        spreader: of `graph` and `alpha`, if it is held already.

    Returns:
        Targets whose labelled items carry their labels; an item that nothing reaches has weight 0.
    """
    import numpy as np

    for what, value, known in (("spread", spread, SPREADS), ("expert", expert, EXPERTS)):
        if value not in known:
            raise UsageError(f"{what} {value!r}{nearest(value, known)}")
    if spread != "concepts" and neighbours is None:
        raise InputError(f"spread {spread} needs the graph of nearest items (neighbours)")
    spreader = spreader or make_spreader(graph, alpha)
    seeds, c = make_seeds(labels), len(labels.names)
    G, reached_concepts = propagate_masses(spreader, Z, seeds)
    P, reached = item_posterior(Z, G, prior, c)
    first = P
    if spread != "concepts" or expert != "none":
        from kgkt.transfer.items import item_answer

        first = P = item_answer(
            P, reached, None if spread == "concepts" else neighbours, seeds, prior, both=spread == "both",
            features=head if expert == "prototypes" else None,
        )  # fmt: skip
    if n_rounds:
        P = refit_rounds(P, head, prior, c, reached, n_rounds)
        if spread != "concepts":
            from kgkt.transfer.items import smooth_answer

            P = smooth_answer(P, reached, neighbours, seeds, prior)
    experts = (Expert("graph", 1.0, "it always speaks", settle(first, seeds)[0]),)
    mass = concept_mass(Z, P, reached) * reached_concepts[:, None]
    P, ticked = settle(P, seeds)
    P[~reached] = 1.0 / c
    ticked[~reached] = -1
    clamp(P, labels, ticked)
    reached[labels.items] = True
    return Targets(
        P, reached.astype(np.float32), mass[:, :c], labels.names, alpha, spread,
        leave_one_out(spreader, Z, labels), ticked, experts,
    )  # fmt: skip


def concept_mass(Z: csr_matrix, P: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """What each concept leans to: the answer for its items, averaged by membership.

    The propagated masses themselves are nearly flat at alpha .95 (their order is what counts), so they would
    tell a reader little; this says what the items of a concept are taken for.

    Args:
        Z: (n, k) memberships.
        P: (n, c + h) answer, rows sum to 1.
        reached: (n,) bool; the others do not count.

    Returns:
        (k, c + h) float64, rows sum to 1, or 0 where no item is reached.
    """
    import numpy as np

    weight = Z.T @ reached.astype(float)
    return np.divide(
        Z.T @ (P * reached[:, None]), weight[:, None], out=np.zeros((Z.shape[1], P.shape[1])), where=weight[:, None] > 0
    )


def clamp(P: np.ndarray, labels: Labels, ticked: np.ndarray | None = None) -> None:
    """Write into P (n, c), in place, what people said of single items: labels, and ticks as settle() does."""
    c = P.shape[1]
    if len(labels.tick_items):
        P[labels.tick_items] = 1.0 / (c - 1)
        P[labels.tick_items, labels.tick_classes] = 0.0
        if ticked is not None:
            ticked[labels.tick_items] = labels.tick_classes
    P[labels.items] = 0.0
    P[labels.items, labels.classes] = 1.0
    if ticked is not None:
        ticked[labels.items] = -1


def refit_rounds(
    P0: np.ndarray,
    head: np.ndarray,
    prior: np.ndarray | None,
    n_classes: int,
    reached: np.ndarray | None = None,
    n_rounds: int = ROUNDS,
) -> np.ndarray:
    """Rounds: a logistic head on the whole pool, fitted to argmax P weighted by max P, times P0.

    Args:
        P0: (n, c + h) first answer, rows sum to 1.
        head: (n, d) head features.
        prior: (c,) or None.
        n_classes: c.
        reached: (n,) bool, items that take part; the others keep their row.
        n_rounds: how many times.

    Returns:
        (n, c + h), rows sum to 1.

    Reference: self-training; the head is scikit-learn's LogisticRegression with C=1.
    """
    import numpy as np

    part = np.ones(len(P0), bool) if reached is None else reached
    out, X, start = P0.copy(), head[part], P0[part]
    P = start
    for number in range(n_rounds):
        guess, sure = P.argmax(axis=1), P.max(axis=1)
        if len(np.unique(guess)) < 2:
            break  # one class everywhere: there is nothing for a head to tell apart
        Q = np.zeros_like(P)
        chosen = _stratified(guess, ROUND_SAMPLE, number)
        model = logistic(1.0).fit(X[chosen], guess[chosen], sample_weight=sure[chosen])
        Q[:, model.classes_] = model.predict_proba(X)
        P = normalise(Q * start, prior, n_classes)
    out[part] = P
    return out


def _stratified(guess: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Indices of at most `size` items, each guessed class in its share."""
    import numpy as np

    if len(guess) <= size:
        return np.arange(len(guess))
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(guess)), guess))
    return np.sort(order[np.linspace(0, len(order) - 1, size).astype(int)])


def read_prior(shares: Mapping[str, float] | None, balanced: bool, names: tuple[str, ...]) -> np.ndarray | None:
    """The user's word on class shares as (c,) in the order of `names`; None where nothing is known.

    Raises:
        InputError: a class without share, an unknown class, shares that do not sum to 1.
    """
    import numpy as np

    if balanced and shares:
        raise UsageError("say --balanced or give class shares, not both")
    if balanced:
        return np.full(len(names), 1.0 / len(names))
    if not shares:
        return None
    for name in shares:
        if name not in names:
            raise InputError(f"prior names the class {name!r}{nearest(name, names)}")
    missing = [n for n in names if n not in shares]
    values = np.array([float(shares.get(n, 0.0)) for n in names])
    if missing or (values <= 0).any() or abs(values.sum() - 1) > 0.01:
        raise InputError(
            f"prior must give every class a share above 0, summing to 1; received sum {values.sum():.3g}"
            + (f", nothing for {', '.join(missing[:5])}" if missing else "")
        )
    return values / values.sum()


