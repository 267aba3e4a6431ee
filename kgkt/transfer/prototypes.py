"""Class prototypes in A's features: an expert of the teacher for models trained for cosine, and a rival by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.embed import unit_rows
from kgkt.concepts.propagate import normalise, seed_values
from kgkt.concepts.threads import one_thread

if TYPE_CHECKING:
    import numpy as np

    from kgkt.concepts.propagate import Seeds

TEMPERATURE = 20.0  # of cosines: Hu et al. 2021 use 10 on squared distances, the same between unit rows


@one_thread()
def pt_map(
    features: np.ndarray,
    seeds: Seeds,
    prior: np.ndarray | None = None,
    *,
    n_steps: int = 20,
    step: float = 0.3,
) -> np.ndarray:
    """PT-MAP: class prototypes and soft assignments of the whole pool, in turn.

    Args:
        features: (n, d); centred features for the plain form, the whitened embedding for the other.
        seeds: labels and ticks; their items keep their class throughout.
        prior: (c,): assignments are balanced to it (Sinkhorn); None: rows only.
        n_steps: updates of the prototypes.
        step: how far a prototype moves towards the direction of what is assigned to it.

    Returns:
        P (n, c + h).

    Reference: Hu, Gripon & Pateux 2021, without the power transform (features are not counts here) and with
    prototypes of unit length.
    """
    import numpy as np

    X = unit_rows(np.asarray(features, np.float64))
    prototypes = unit_rows(class_means(X, seeds))
    fixed = np.zeros((len(seeds.items), seeds.width))
    fixed[np.arange(len(fixed)), seeds.columns] = 1.0
    for number in range(n_steps + 1):
        P = normalise(seeded_softmax(TEMPERATURE * X @ prototypes.T, seeds), prior, seeds.n_classes)
        P[seeds.items] = fixed
        if number < n_steps:
            # unit rows: a mean of many soft members is short, and short prototypes collapse towards one another
            prototypes = unit_rows(prototypes + step * (unit_rows(P.T @ X) - prototypes))
    return P


def class_means(X: np.ndarray, seeds: Seeds) -> np.ndarray:
    """(c + h, d) mean of the seeds of each column; 0 for a column without seed."""
    import numpy as np

    Y = np.zeros((len(seeds.items), seeds.width))
    Y[np.arange(len(Y)), seeds.columns] = seed_values(seeds)
    return Y.T @ X[seeds.items]


def seeded_softmax(scores: np.ndarray, seeds: Seeds) -> np.ndarray:
    """Rows of scores (n, c + h) to probabilities over the columns that have a seed."""
    import numpy as np

    seeded = np.bincount(seeds.columns, minlength=seeds.width) > 0
    scores = np.where(seeded, scores, -np.inf)
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    return P / P.sum(axis=1, keepdims=True)
