"""A logistic head on A's features: an expert of the teacher, the engine of its rounds, and a rival by itself."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import normalise, seed_values
from kgkt.concepts.threads import one_thread

if TYPE_CHECKING:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from kgkt.concepts.propagate import Seeds

HEAD_C = 10.0
TUNED_C = (0.01, 0.1, 1.0, 10.0, 100.0)


def logistic(C: float) -> LogisticRegression:
    """A logistic head as every part of kgkt uses it: L2 with strength 1/C, lbfgs, no random part."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=C, max_iter=500, tol=1e-3)


@one_thread()
def head(
    features: np.ndarray,
    seeds: Seeds,
    prior: np.ndarray | None = None,
    C: float = HEAD_C,
    *,
    even: bool = False,
) -> np.ndarray:
    """Logistic head on the features of the labelled items, applied to the pool.

    Args:
        features: (n, d).
        seeds: labels and ticks.
        prior: (c,) class shares, or None.
        C: inverse strength of the L2 penalty.
        even: whether every class counts the same, however many labels it has.

    Returns:
        P (n, c + h).
    """
    import numpy as np

    if len(np.unique(seeds.columns)) < 2:
        P = np.zeros((len(features), seeds.width))
        P[:, seeds.columns[0]] = 1.0
        return P
    with _few_items():
        model = logistic(C).fit(features[seeds.items], seeds.columns, sample_weight=_even(seeds) if even else None)
    return normalise(predicted(model, features, seeds), prior, seeds.n_classes)


@one_thread()
def tuned_C(features: np.ndarray, seeds: Seeds) -> float:
    """C of the logistic head by stratified cross-validated log-likelihood on the labels (at most 5 folds).

    Not by accuracy: its ties leave probabilities so flat that a B learns nothing from them. With a class that
    has a single label there is nothing to hold out: the untuned C. Ties go to the value nearest to it.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedKFold

    counts = np.bincount(seeds.columns, minlength=seeds.width)
    counts = counts[counts > 0]
    if counts.min() < 2 or len(counts) < 2:
        return HEAD_C
    X, y = features[seeds.items], seeds.columns
    folds = list(StratifiedKFold(min(5, int(counts.min())), shuffle=True, random_state=0).split(X, y))
    with _few_items():
        scores = [np.mean([_likelihood(logistic(C), X, y, *fold) for fold in folds]) for C in TUNED_C]
    best = [C for C, score in zip(TUNED_C, scores, strict=True) if score >= max(scores) - 1e-12]
    return min(best, key=lambda C: abs(np.log(C / HEAD_C)))


def _likelihood(
    model: LogisticRegression, X: np.ndarray, y: np.ndarray, told: np.ndarray, held: np.ndarray
) -> float:
    """Mean log-likelihood of the held-out rows by a head fitted to the others; every class is among both."""
    import numpy as np

    model.fit(X[told], y[told])
    own = np.searchsorted(model.classes_, y[held])
    return float(np.log(np.maximum(model.predict_proba(X[held])[np.arange(len(held)), own], 1e-15)).mean())


def _even(seeds: Seeds) -> np.ndarray:
    """(s,) weights of the seeds, 1 on average, with which every column weighs the same."""
    weight = seed_values(seeds)
    return weight * len(weight) / weight.sum()


@contextlib.contextmanager
def _few_items() -> Iterator[None]:
    """Keep scikit-learn from wondering about classes that have one or two items: here that is usual."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        yield


def predicted(model, features: np.ndarray, seeds: Seeds) -> np.ndarray:
    """(n, c + h) probabilities of a fitted scikit-learn classifier, 0 for classes it never saw."""
    import numpy as np

    P = np.zeros((len(features), seeds.width))
    P[:, model.classes_] = model.predict_proba(features)
    return P
