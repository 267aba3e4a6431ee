"""Two judges of the teacher's experts: labels that are held out, and the graph, which needs none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from kgkt.concepts.propagate import Seeds, make_seeds, without_items

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Labels

FOLDS = 5
WEIGHTS = (0.0, 0.5, 1.0, 2.0)
TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0)  # a product of answers is surer than it should be; for the score only
FLOOR = 1e-12  # of a probability whose logarithm is taken
# What held-out labels say of the pool is too low: they are foretold from fewer labels, and before the rounds. Both
# chosen on draws 300 to 303 of the benchmark tasks: share of the errors that remains, and how much of a label counts.
REMAINS, COUNTS = 0.9, 0.5
MOST_CLASSES = 20  # up to which the estimate was found calibrated; with 86 it was 10 points too high
QUANTILE = 1.645  # of 9 in 10


def why_untold(n_classes: int) -> str:
    """Why nothing is expected of an answer, in words."""
    if n_classes > MOST_CLASSES:
        return f"how many answers are right cannot be told of over {MOST_CLASSES} classes"
    return "too few labels to tell how many answers are right (five a class are needed)"


AnswerOf = Callable[[Seeds], "np.ndarray"]  # from seeds to (n, c + h), rows sum to 1


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What each expert says of labels that it was not told.

    Args:
        classes: (m,) of the labels that were held out, each once.
        answers: expert -> (m, c + h), rows sum to 1.
    """

    classes: np.ndarray
    answers: Mapping[str, np.ndarray]


def folds_of(classes: np.ndarray, seed: int = 0) -> np.ndarray:
    """(M,) the fold that each label is held out in, stratified; -1 for the only label of a class.

    As many folds as the middle class has labels, from 2 to 5.

    Args:
        classes: (M,) class index of each label.
        seed: of the order inside of a class.
    """
    import numpy as np

    fold = np.full(len(classes), -1)
    counts = np.bincount(classes)
    several = np.flatnonzero(counts >= 2)
    if not len(several):
        return fold
    many = int(np.clip(np.median(counts[several]), 2, FOLDS))
    key = np.random.default_rng(seed).random(len(classes))  # of the label, whatever number its class has
    for number in several:
        own = np.flatnonzero(classes == number)
        own = own[key[own].argsort()]
        first = int(many * key[own[0]] * len(own)) % many  # elsewhere for each class, so that folds are of even size
        fold[own] = (np.arange(len(own)) + first) % many
    return fold


def held_out(labels: Labels, experts: Mapping[str, AnswerOf], reached: np.ndarray) -> HeldOut | None:
    """Ask every expert for labels that were held out; None where no class has two, or only one class has any.

    Args:
        labels: labels, and ticks, which are held out with the label of their item only.
        experts: name -> its answer from seeds.
        reached: (n,) bool; labels of the others have no part, and nothing to say.
    """
    import numpy as np

    fold, on = np.full(len(labels), -1), reached[labels.items]
    fold[on] = folds_of(labels.classes[on])
    if (fold < 0).all() or len(np.unique(labels.classes[on])) < 2:
        return None
    places, answers = in_folds(labels, experts, fold)
    return HeldOut(labels.classes[places], answers)


def in_folds(
    labels: Labels, experts: Mapping[str, AnswerOf], fold: np.ndarray
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """What every expert says of labels while their fold is not told to it.

    Args:
        labels, experts: as for `held_out`.
        fold: (M,) of each label; -1 is always told.

    Returns:
        (m,) the places of the labels that were held out, fold by fold, and expert -> (m, c + h) answers for them.
    """
    import numpy as np

    seeds = make_seeds(labels)
    answers: dict[str, list[np.ndarray]] = {name: [] for name in experts}
    places = []
    for number in np.unique(fold[fold >= 0]):
        out = fold == number
        told = without_items(seeds, labels.items[out])
        places.append(np.flatnonzero(out))
        for name, answer_of in experts.items():
            answers[name].append(answer_of(told)[labels.items[out]])
    return np.concatenate(places), {name: np.concatenate(parts) for name, parts in answers.items()}


def multiply(answers: Mapping[str, np.ndarray], weights: Mapping[str, float]) -> np.ndarray:
    """(n, c + h) sum of w log P over the experts, of "graph" with weight 1; the largest of each row is 0."""
    import numpy as np

    total = np.log(np.maximum(answers["graph"], FLOOR))
    for name, weight in weights.items():
        if weight:
            total = total + weight * np.log(np.maximum(answers[name], FLOOR))
    return total - total.max(axis=1, keepdims=True)


def likelihood(logs: np.ndarray, classes: np.ndarray, sharpness: float) -> float:
    """Log-likelihood of classes (m,) by a product of answers, its logarithms (m, c + h) times `sharpness`."""
    import numpy as np

    scaled = logs * sharpness
    return float((scaled[np.arange(len(classes)), classes] - np.log(np.exp(scaled).sum(axis=1))).sum())


def score(held: HeldOut, weights: Mapping[str, float]) -> float:
    """Log-likelihood of the labels that were held out, at the best of a few temperatures."""
    logs = multiply(held.answers, weights)
    return max(likelihood(logs, held.classes, sharpness) for sharpness in TEMPERATURES)


def weigh(held: HeldOut | None, believed: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    """The weight of each expert: every one of WEIGHTS by how well it foretold the labels held out, averaged.

    No single weight is chosen: with few labels the difference between two is chance.

    Args:
        held: what the experts said of them; None where nothing could be held out.
        believed: expert -> probability of each of WEIGHTS before any label is looked at.

    Reference: Bayesian model averaging, Hoeting, Madigan, Raftery & Volinsky 1999, here of held-out likelihoods.
    """
    import numpy as np

    names = list(believed)
    grids = [[(w, p) for w, p in zip(WEIGHTS, believed[name], strict=True) if p > 0] for name in names]
    combinations = list(product(*grids))
    weights = np.array([[w for w, _ in chosen] for chosen in combinations])
    odds = np.array([sum(np.log(p) for _, p in chosen) for chosen in combinations])
    if held is not None:
        odds += [score(held, dict(zip(names, row, strict=True))) for row in weights.tolist()]
    share = np.exp(odds - odds.max())
    return dict(zip(names, (share @ weights / share.sum()).tolist(), strict=True))


def torn(P: np.ndarray, A: csr_matrix) -> float:
    """Share of the edges between items that join two different answers.

    Args:
        P: (n, c + h).
        A: (n, n) symmetric graph of nearest items.
    """
    from scipy.sparse import triu

    edges, best = triu(A, 1).tocoo(), P.argmax(axis=1)
    return float((best[edges.row] != best[edges.col]).mean()) if edges.nnz else 0.0


def expect(held: HeldOut, weights: Mapping[str, float], P: np.ndarray) -> tuple[float, float, float]:
    """The share of the pool's answers that are right, as far as the labels held out can tell.

    Each class counts by its share of the answers, and one of which no label was held out does not count; an answer that
    is a tick's, or that is level between classes, counts as wrong. From five labels a class on the estimate is
    calibrated on the benchmark tasks (`evaluate` reports it); below, it is not.

    Args:
        held: what the experts said of them.
        weights: of the experts.
        P: (n, c) the teacher's answer for the items that something reaches.

    Returns:
        The share, and the ends of an interval that should hold it in 9 of 10 cases (Wilson 1927).
    """
    import numpy as np

    logs = multiply(held.answers, weights)
    right = (logs.argmax(axis=1) == held.classes) & ((logs == 0).sum(axis=1) == 1)
    shares = np.bincount(P.argmax(axis=1), minlength=P.shape[1])
    judged = np.unique(held.classes)
    found = np.array([right[held.classes == number].mean() for number in judged])
    of_class = shares[judged] + 1e-9  # a class that nothing was given to counts for nothing
    share = 1 - REMAINS * (1 - float(found @ of_class / of_class.sum()))
    n, z = COUNTS * len(right), QUANTILE
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * (max(share * (1 - share), 0.0) / n + z * z / (4 * n * n)) ** 0.5
    return share, max(middle - half, 0.0), min(middle + half, 1.0)
