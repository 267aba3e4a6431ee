"""Several sources in one graph: what each counts, what labels say of that, and which one carries a concept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.embed import apply_map, sample_rows
from kgkt.concepts.propagate import ALPHA, ENOUGH, spreader_of

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Features, Maps

HALF = 0.5
# How labels are asked: chosen on draws 300 to 303 of digits, emoji and WordNet, with an untrained A or the raw inputs
# as the second source. With few labels a walk over the pool finds more than cosines, from five a class on less.
SHARPNESS = 8.0  # how fast a label's say fades with the angle
FEW_SAMPLE = 2000  # items that a walk goes over beside those with a label
SURE = 1.0  # standard errors of a paired difference by which weights must win over equal ones
LEAST = 0.01  # of what labels may gain by them: a graph is not made anew for less
FEWEST = 10  # labels of classes with two or more: with fewer, equal weights stay


@dataclass(frozen=True, slots=True)
class Weighed:
    """What labels say of the weights of several sources.

    Args:
        weights: of each source, the best that the labels are sure of; all 1 where they are not.
        found: weights -> how likely the others find a label that is left out, on average over the labels, 0 to 1.
        n: how many labels could be left out.
    """

    weights: tuple[float, ...]
    found: dict[tuple[float, ...], float]
    n: int

    @property
    def equal(self) -> tuple[float, ...]:
        """The weights that stay where labels are not sure of others."""
        return (1.0,) * len(self.weights)


def layer_shares(sources: Mapping[str, Sequence[str]], weights: Sequence[float]) -> dict[str, float]:
    """What part of a squared distance is measured in each layer: a source's weight, evenly over its layers.

    Args:
        sources: name -> its layers.
        weights: one for each of them, 0 or more, not all 0.

    >>> layer_shares({"a": ["mid", "emb"], "b": ["x"]}, (1, 1))
    {'mid': 0.25, 'emb': 0.25, 'x': 0.5}
    """
    whole = sum(weights)
    pairs = zip(sources.values(), weights, strict=True)
    return {layer: weight / whole / len(layers) for layers, weight in pairs for layer in layers}


def embed_alone(features: Features, maps: Maps) -> dict[str, np.ndarray]:
    """The items as each source embeds them by itself: name -> (n, e) float32 unit rows, its layers side by side."""
    import numpy as np

    alone = {}
    for name, layers in features.sources.items():
        parts = [
            np.concatenate([apply_map(X, *maps.layers[layer]) for X in features.batches(layer)]) for layer in layers
        ]
        alone[name] = np.concatenate(parts, axis=1) / np.float32(np.sqrt(len(parts)))
    return alone


def grid(n: int) -> list[tuple[float, ...]]:
    """The weights that are tried for n sources: all equal; each at half; each left out; each alone.

    >>> grid(2)
    [(1.0, 1.0), (0.5, 1.0), (1.0, 0.5), (0.0, 1.0), (1.0, 0.0)]
    """
    tried = [(1.0,) * n]
    for less in (HALF, 0.0):
        tried += [tuple(less if other == one else 1.0 for other in range(n)) for one in range(n)]
    tried += [tuple(float(other == one) for other in range(n)) for one in range(n)]
    return list(dict.fromkeys(tried))


def weigh_sources(
    alone: Sequence[np.ndarray], items: np.ndarray, classes: np.ndarray, near: Callable[[np.ndarray], csr_matrix]
) -> Weighed:
    """Which weights the labels prefer, each label left out in turn; equal ones, unless others win clearly.

    Args:
        alone: (n, e_s) unit rows of the items, for each source by itself.
        items: (M,) rows of the items with a label.
        classes: (M,) class numbers.
        near: gives the symmetric graph (m, m) of the nearest items of vectors (m, e).

    Reference: the rule of one standard error, Breiman et al. 1984, turned round: another choice must be better than
    the plain one by more than one standard error of the paired difference, and by a hundredth.
    """
    import numpy as np

    equal = (1.0,) * len(alone)
    counts = np.bincount(classes)
    judged = np.flatnonzero(counts[classes] >= 2)
    if len(judged) < FEWEST or (counts > 0).sum() < 2:
        return Weighed(equal, {}, len(judged))
    if np.median(counts[counts > 0]) < ENOUGH:
        rows = np.union1d(items, sample_rows(len(alone[0]), FEW_SAMPLE, 0))
        seen, said = [vectors[rows] for vectors in alone], np.searchsorted(rows, items)
        ties = {weights: walked(near(side_by_side(seen, weights)), said) for weights in grid(len(alone))}
    else:
        seen = [vectors[items] for vectors in alone]
        joint = {weights: side_by_side(seen, weights) for weights in grid(len(alone))}
        ties = {weights: np.exp(SHARPNESS * (vectors @ vectors.T - 1)) for weights, vectors in joint.items()}
    right = {weights: foretold(K, classes)[judged] for weights, K in ties.items()}
    best, gain = equal, LEAST
    for weights, found in right.items():
        difference = found - right[equal]
        error = difference.std(ddof=1) / len(judged) ** 0.5
        if difference.mean() > max(gain, SURE * error):
            best, gain = weights, float(difference.mean())
    return Weighed(best, {weights: float(found.mean()) for weights, found in right.items()}, len(judged))


def side_by_side(alone: Sequence[np.ndarray], weights: Sequence[float]) -> np.ndarray:
    """(m, e) float32 unit rows of items in all sources that count, from their (m, e_s) in each by itself."""
    import numpy as np

    whole = sum(weights)
    parts = [np.float32(np.sqrt(w / whole)) * vectors for w, vectors in zip(weights, alone, strict=True) if w > 0]
    return np.concatenate(parts, axis=1)


def walked(A: csr_matrix, items: np.ndarray) -> np.ndarray:
    """(M, M) what goes from one label to another over the graph of the nearest items: rows of (I - alpha S)^-1.

    Args:
        A: (m, m) symmetric weights.
        items: (M,) rows of the labels.

    Reference: Zhou et al. 2004.
    """
    import numpy as np
    from scipy.sparse import triu

    upper = triu(A, 1).tocoo()
    edges = np.stack([upper.row, upper.col], axis=1)
    spreader = spreader_of(A.shape[0], edges, upper.data, np.ones(A.shape[0], bool), ALPHA, once=True)
    start = np.zeros((A.shape[0], len(items)))
    start[items, np.arange(len(items))] = 1
    return np.maximum(spreader.solve(start)[items], 0.0)


def foretold(ties: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """(M,) how likely each label's own class is by the other labels, 0 to 1: as likely as its labels are tied to it.

    Args:
        ties: (M, M) how strongly one label speaks for another.
        classes: (M,) class numbers.
    """
    import numpy as np

    K = np.array(ties, np.float64)
    np.fill_diagonal(K, 0.0)
    Y = np.eye(classes.max() + 1)[classes]
    count = Y.sum(axis=0) - Y  # of each class, without the label itself
    score = np.divide(K @ Y, count, out=np.zeros_like(Y), where=count > 0)
    own, total = score[np.arange(len(classes)), classes], score.sum(axis=1)
    return np.divide(own, total, out=np.zeros_like(own), where=total > 0)


def held_together(vectors: np.ndarray, nearest: np.ndarray, k: int) -> np.ndarray:
    """How well a source by itself holds the members of each concept together: 1 - D_c / D, at least 0.

    D_c is the mean squared distance of two members of the concept, D that of two items of the pool, as the source
    embeds them. 0: members lie no nearer to one another than any two items; 1: all in one place.

    Args:
        vectors: (n, e) unit rows of the source alone.
        nearest: (n,) concept that each item is nearest to.
        k: concepts.

    Returns:
        (k,); NaN where a concept has no two members.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    def apart(n: np.ndarray, sums: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """Mean squared distance of two different ones of n, from the sums of their rows and of their squares."""
        pairs = np.asarray(n * (n - 1.0), np.float64)
        total = 2 * (n * squares - (sums**2).sum(axis=-1))
        return np.divide(total, pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)

    rows = np.asarray(vectors, np.float64)
    squares = (rows**2).sum(axis=1)
    member = csr_matrix((np.ones(len(rows)), (nearest, np.arange(len(rows)))), shape=(k, len(rows)))
    sizes = np.bincount(nearest, minlength=k)
    inside = apart(sizes, member @ rows, member @ squares)
    whole = float(apart(np.array(len(rows)), rows.sum(axis=0), squares.sum()))
    if not whole > 0:
        return np.where(np.isnan(inside), np.nan, 0.0)
    return np.clip(1 - inside / whole, 0, 1)
