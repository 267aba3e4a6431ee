"""Wrong labels that are planted, and who finds them: `suspects`, and three rivals on the same features."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import choose_alpha, make_seeds, make_spreader
from kgkt.transfer.head import head, tuned_C
from kgkt.transfer.judges import folds_of, in_folds
from kgkt.transfer.suspects import judge
from kgkt.values import Labels

if TYPE_CHECKING:
    import numpy as np

    from kgkt.proof.view import View

SHARE = 0.2  # of the labels that is made wrong
NEAREST = 10
OURS, HEAD, CLEANLAB, NEIGHBOURS = "kgkt", "head", "cleanlab's rule", "nearest labels"
UNJUDGED = 2.0  # score of a label that kgkt does not judge: behind all others


def plant(
    classes: np.ndarray, n_classes: int, share: float, rng: np.random.Generator, kind: str = "uniform"
) -> np.ndarray:
    """The classes (M,) with a share of them wrong: any other class ("uniform"), or the next one ("pair")."""
    wrong = rng.choice(len(classes), round(share * len(classes)), replace=False)
    given = classes.copy()
    step = rng.integers(1, n_classes, len(wrong)) if kind == "uniform" else 1
    given[wrong] = (classes[wrong] + step) % n_classes
    return given


def found(scores: np.ndarray, wrong: np.ndarray) -> float:
    """Of as many of the lowest scores (M,) as there are wrong labels, the share that is wrong (M,) bool."""
    import numpy as np

    return float(wrong[np.argsort(scores, kind="stable")[: wrong.sum()]].mean())


def rankings(view: View, labels: Labels) -> Iterator[tuple[str, np.ndarray, float]]:
    """Every method with its scores (M,), low where a label is doubted, and the seconds that they took."""
    import numpy as np

    yield OURS, *_timed(lambda: by_kgkt(view, labels))
    P, seconds = _timed(lambda: held_out_head(view, labels))
    yield HEAD, P[np.arange(len(P)), labels.classes], seconds
    yield CLEANLAB, adjusted_self_confidence(labels.classes, P), seconds
    yield NEIGHBOURS, *_timed(lambda: nearest_labels(view, labels))


def _timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    start = time.perf_counter()
    out = work()
    return out, time.perf_counter() - start


def by_kgkt(view: View, labels: Labels) -> np.ndarray:
    """(M,) what `suspects` scores them."""
    import numpy as np

    spreader = make_spreader(view.graph, choose_alpha(view.graph, view.Z, labels))
    done = judge(spreader, view.Z, labels, view.head, neighbours=view.near)
    scores = np.full(len(labels), UNJUDGED)
    scores[done.places] = done.scores
    return scores


def held_out_head(view: View, labels: Labels, C: float | None = None) -> np.ndarray:
    """(M, c) of a logistic head, each label held out; even for the only label of a class. C: None, tuned on them."""
    import numpy as np

    C = tuned_C(view.head, make_seeds(labels)) if C is None else C
    ask = {HEAD: lambda told: head(view.head, told, None, C)}
    places, answers = in_folds(labels, ask, folds_of(labels.classes))
    P = np.full((len(labels), len(labels.names)), 1 / len(labels.names))
    P[places] = answers[HEAD]
    return P


def adjusted_self_confidence(given: np.ndarray, P: np.ndarray) -> np.ndarray:
    """Label quality as cleanlab scores it where `adjust_pred_probs` is set.

    The threshold of a class is the mean probability of the class over the labels that were given it. Thresholds are
    taken from the probabilities, the largest of them is added again, and rows are made to sum to 1; the score is what
    is then left for the given class.

    Args:
        given: (M,) classes.
        P: (M, c) held-out probabilities, rows sum to 1.

    Returns:
        (M,) low where the label is doubted.

    Reference: Northcutt, Jiang & Chuang 2021, "Confident learning"; cleanlab 2.9,
        `cleanlab.rank.get_label_quality_scores`. `benchmarks/suspects.py` holds it against that package.
    """
    import numpy as np

    # a class without labels gets a threshold that no probability reaches
    thresholds = np.array([P[given == k, k].mean() if (given == k).any() else 2.0 for k in range(P.shape[1])])
    Q = P - thresholds + thresholds.max()
    return Q[np.arange(len(given)), given] / Q.sum(axis=1)


def nearest_labels(view: View, labels: Labels) -> np.ndarray:
    """(M,) what the ten nearest labels say, each by its cosine: the given class beside the likeliest other one."""
    import numpy as np

    given, rows = labels.classes, np.arange(len(labels))
    vectors = view.vectors[labels.items].astype(np.float64)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, : min(NEAREST, len(given) - 1)]
    weight = np.maximum(np.take_along_axis(cosine, nearest, axis=1), 1e-6)
    votes = np.zeros((len(given), len(labels.names)))
    np.add.at(votes, (rows[:, None], given[nearest]), weight)
    own = votes[rows, given]
    votes[rows, given] = 0.0
    return own / (own + votes.max(axis=1))
