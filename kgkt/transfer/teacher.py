"""The teacher: what the graph and A's features together say of every item of the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.propagate import (
    ENOUGH,
    Seeds,
    Spreader,
    choose_alpha,
    heard_labels,
    item_posterior,
    make_seeds,
    make_spreader,
    normalise,
    propagate_masses,
    settle,
    usual_count,
)
from kgkt.concepts.threads import one_thread
from kgkt.errors import InputError, UsageError, nearest
from kgkt.transfer.head import logistic
from kgkt.transfer.items import ROUGH, item_answer, smooth_answer
from kgkt.values import Expert, Targets

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.transfer.experts import Joined
    from kgkt.values import ConceptGraph, Labels

REVISION = 12  # of what `teach` and the rows of `evaluate` answer: figures kept from another one are computed anew
ROUNDS = 3
FADED = 2.0  # weight of the head at which nothing is smoothed at the end; down to 1 it fades
FEW_SHARE = 0.2  # of the answers that classes with few labels may have where an accuracy is expected
ROUND_SAMPLE = 20_000  # items that a round's logistic head is fitted on, at most
SPREADS = ("concepts", "items", "both")


def teach(
    graph: ConceptGraph,
    Z: csr_matrix,
    labels: Labels,
    head: np.ndarray,
    *,
    spread: str = "concepts",
    expert: str = "auto",
    text: bool = False,
    prior: np.ndarray | None = None,
    alpha: float | None = None,
    neighbours: csr_matrix | None = None,
    n_rounds: int = ROUNDS,
    spreader: Spreader | None = None,
    expectation: bool = True,
) -> Targets:
    """Soft targets for every item, from a few labels and ticks.

    The graph's answer (propagation over concepts, over items, or both), times those of the experts that labels and
    graph let in; then rounds in which a logistic head on A's features of the whole pool is fitted to the answer and
    multiplied into it; with "items" and "both" the outcome is smoothed over the nearest items, the less the more the
    labels trust the head.

    Args:
        graph: of k concepts, with the active flags that people set.
        Z: (n, k) memberships.
        labels: labels and ticks; those of items whose concepts are all off teach nothing.
        head: (n, h) head features.
        spread: "concepts", "items" or "both".
        expert: "auto" asks a logistic head and class prototypes in A's features, and weighs them; "head" or
            "prototypes" lets that one join; "none": the graph alone.
        text: whether A was trained for cosine, as models of sentences are: "auto" then lets prototypes join.
        prior: (c,) class shares of the pool if the user knows them, else None. Never estimated here.
        alpha: how far knowledge travels; None: .9, from five labels a class as they choose.
        neighbours: (n, n) symmetric graph of nearest items; needed by "items" and "both".
        n_rounds: rounds with the logistic head.
        spreader: of `graph`, if it is held already; used where its alpha is the one that is wanted.
        expectation: whether to work out the expected accuracy where no expert has to be judged.

    Returns:
        Targets whose labelled items carry their labels; an item that nothing reaches has weight 0.
    """
    import numpy as np

    from kgkt.transfer.experts import EXPERTS, combine, join

    for what, value, known in (("spread", spread, SPREADS), ("expert", expert, EXPERTS)):
        if value not in known:
            raise UsageError(f"{what} {value!r}{nearest(value, known)}")
    if spread != "concepts" and neighbours is None:
        raise InputError(f"spread {spread} needs the graph of nearest items (neighbours)")
    given, labels = labels, heard_labels(labels, Z, graph.active)
    seeds, c = make_seeds(labels), len(labels.names)
    alpha = choose_alpha(graph, Z, labels) if alpha is None else alpha
    if spreader is None or spreader.alpha != alpha:
        spreader = make_spreader(graph, alpha)
    near = None if spread == "concepts" else neighbours
    P, reached, reached_concepts = graph_answer(spreader, Z, seeds, prior, near, both=spread == "both")

    def finish(joined: Joined) -> np.ndarray:
        first = combine(joined, prior, c)
        if not n_rounds:
            return first
        last = refit_rounds(first, head, prior, c, reached, n_rounds)
        if near is None or not (share := smoothed_share(joined.weights)):
            return last
        return smooth_answer(last, reached, near, seeds, prior, share)

    joined = join(
        lambda told: graph_answer(spreader, Z, told, prior, near, both=spread == "both", rough_to=ROUGH)[0],
        P, reached, labels, seeds, head, expert=expert, text=text, prior=prior, neighbours=near, finish=finish,
        given=given, expectation=expectation,
    )  # fmt: skip
    P = joined.finished if joined.finished is not None else finish(joined)
    mass = concept_mass(Z, P, reached) * reached_concepts[:, None]
    P, ticked = settle(P, seeds)
    P[~reached] = 1.0 / c
    ticked[~reached] = -1
    clamp(P, labels, ticked)
    reached[labels.items] = True
    return Targets(
        P, reached.astype(np.float32), mass[:, :c], labels.names, alpha, spread, _expected(joined, labels, P), ticked,
        _experts(joined, seeds),
    )  # fmt: skip


def graph_answer(
    spreader: Spreader,
    Z: csr_matrix,
    seeds: Seeds,
    prior: np.ndarray | None,
    neighbours: csr_matrix | None,
    *,
    both: bool = True,
    rough_to: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the graph says, over the concepts and, where there are neighbours, over the items.

    Args:
        spreader: of the graph.
        Z: (n, k) memberships.
        seeds: labels and ticks.
        prior: (c,) or None.
        neighbours: (n, n), or None: the concepts alone.
        both: whether the concepts' answer is a factor beside that of the items.
        rough_to: of an answer that only judges others, as `item_answer` has it.

    Returns:
        P (n, c + h), rows sum to 1; (n,) bool and (k,) bool: the items, and the concepts, that a label reaches.
    """
    G, reached_concepts = propagate_masses(spreader, Z, seeds)
    P, reached = item_posterior(Z, G, prior, seeds.n_classes)
    if neighbours is not None:
        P = item_answer(P, reached, neighbours, seeds, prior, both=both, rough_to=rough_to)
    return P, reached, reached_concepts


def smoothed_share(weights: Mapping[str, float]) -> float:
    """How much of the last smoothing is done: all of it while the head weighs no more than the graph, none at twice.

    Where classes are told apart by directions of A's features and not by neighbourhoods, labels give the head a large
    weight, and smoothing over the neighbourhoods costs up to two points.
    """
    return float(min(max(FADED - weights.get("head", 0.0), 0.0), 1.0))


def _experts(joined: Joined, seeds: Seeds) -> tuple[Expert, ...]:
    """What each expert said of the named classes, the graph first."""
    why = {"graph": "always speaks"} | joined.why
    weights = {"graph": 1.0} | joined.weights
    return tuple(
        Expert(name, weights[name], why[name], settle(P, seeds)[0]) for name, P in joined.answers.items()
    )


def _expected(joined: Joined, labels: Labels, P: np.ndarray) -> tuple[float, float, float] | None:
    """The expected accuracy with its interval; None where labels are too few, or classes too many, to tell.

    Too few are they also where only the middle class has enough: of classes with fewer than five labels too much is
    expected (3 to 12 points where they had half of the pool), so that they may have a fifth of the answers at most.
    """
    import numpy as np

    from kgkt.transfer.judges import MOST_CLASSES, expect

    c = len(labels.names)
    if joined.held is None or usual_count(labels) < ENOUGH or c > MOST_CLASSES:
        return None
    counts = np.bincount(labels.classes, minlength=c)
    given = P[joined.reached].argmax(axis=1)
    if (counts < ENOUGH)[given].mean() > FEW_SHARE:
        return None
    return expect(joined.held, joined.weights, P[joined.reached])


def concept_mass(Z: csr_matrix, P: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """What each concept leans to: the answer for its items, averaged by membership.

    The propagated masses themselves are nearly flat (their order is what counts), so they would
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
        Q = round_head(X, P, X, number)
        if Q is None:
            break
        P = normalise(Q * start, prior, n_classes)
    out[part] = P
    return out


@one_thread()
def round_head(X: np.ndarray, P: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray | None:
    """What a round's logistic head says: fitted to argmax P weighted by max P.

    Args:
        X: (n, d) head features that it is fitted on, or on a sample of.
        P: (n, c + h) their answer.
        asked: (m, d) head features that it is asked for.
        seed: of the sample.

    Returns:
        (m, c + h); None where P gives one class everywhere: there is nothing for a head to tell apart.
    """
    import numpy as np

    guess, sure = P.argmax(axis=1), P.max(axis=1)
    if len(np.unique(guess)) < 2:
        return None
    chosen = _stratified(guess, ROUND_SAMPLE, seed)
    model = logistic(1.0).fit(X[chosen], guess[chosen], sample_weight=sure[chosen])
    Q = np.zeros((len(asked), P.shape[1]))
    Q[:, model.classes_] = model.predict_proba(asked)
    return Q


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


