"""Several sources in one graph: what each counts, what labels say of that, and which one carries a concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.concepts.embed import apply_map
from kgkt.concepts.propagate import ENOUGH

if TYPE_CHECKING:
    import numpy as np

    from kgkt.values import Features, Maps

HALF = 0.5
# How labels are asked: chosen on draws 300 to 303 of digits, emoji and WordNet, with an untrained A or the raw inputs
# as the second source.
SHARPNESS = 8.0  # how fast a label's say fades with the angle
SURE = 1.0  # standard errors of a paired difference by which weights must win over equal ones
SURER = 2.5  # the same below five labels a class: there a useless source was taken for the better one in one draw of 20
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


def weigh_sources(alone: Sequence[np.ndarray], classes: np.ndarray) -> Weighed:
    """Which weights the labels prefer, each label left out in turn; equal ones, unless others win clearly.

    Args:
        alone: (M, e_s) unit rows of the M labelled items, for each source by itself.
        classes: (M,) class numbers.

    Reference: the rule of one standard error, Breiman et al. 1984, turned round: another choice must be better than
    the plain one by more than one standard error of the paired difference (two and a half below five labels a class),
    and by a hundredth.
    """
    import numpy as np

    equal = (1.0,) * len(alone)
    counts = np.bincount(classes)
    judged = np.flatnonzero(counts[classes] >= 2)
    if len(judged) < FEWEST or (counts > 0).sum() < 2:
        return Weighed(equal, {}, len(judged))
    similar = [vectors @ vectors.T for vectors in alone]
    right = {weights: foretold(similar, weights, classes)[judged] for weights in grid(len(alone))}
    sure = SURE if np.median(counts[counts > 0]) >= ENOUGH else SURER
    best, gain = equal, LEAST
    for weights, found in right.items():
        difference = found - right[equal]
        error = difference.std(ddof=1) / len(judged) ** 0.5
        if difference.mean() > max(gain, sure * error):
            best, gain = weights, float(difference.mean())
    return Weighed(best, {weights: float(found.mean()) for weights, found in right.items()}, len(judged))


def foretold(similar: Sequence[np.ndarray], weights: Sequence[float], classes: np.ndarray) -> np.ndarray:
    """(M,) how likely each label's own class is by the other labels, 0 to 1.

    A class is as likely as its other labels are near, on average: exp(8 (cos - 1)), cos in the joint embedding.

    Args:
        similar: (M, M) cosines in each source.
        weights: of the sources.
        classes: (M,) class numbers.
    """
    import numpy as np

    whole = sum(weights)
    cosines = sum(weight / whole * np.asarray(S, np.float64) for weight, S in zip(weights, similar, strict=True))
    K = np.exp(SHARPNESS * (cosines - 1))
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
