"""Every control and every rival, written once: plain functions from features and few labels to P.

Each takes features of the n items of the pool and the seeds (labels, and ticks as hidden classes)
and returns P (n, c + h), rows summing to 1. `answer` then settles ticks and labels by the rule that
the graph obeys too, and `kgkt.transfer.teacher.refit_rounds` gives any of them the teacher's rounds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.concepts.embed import unit_rows
from kgkt.concepts.propagate import normalise, seed_values, settle
from kgkt.transfer.head import predicted
from kgkt.transfer.prototypes import TEMPERATURE, class_means, seeded_softmax
from kgkt.transfer.teacher import clamp

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.concepts.propagate import Seeds
    from kgkt.values import Labels

NEIGHBOURS = 10
ALPHA = 0.95  # of label spreading


def answer(P: np.ndarray, seeds: Seeds, labels: Labels) -> np.ndarray:
    """What a method teaches of the named classes: ticks settled, labelled items reset to their labels.

    Args:
        P: (n, c + h), rows sum to 1.
        seeds: what the method was given.
        labels: the same, as people said it.

    Returns:
        (n, c), rows sum to 1.
    """
    out, ticked = settle(P, seeds)
    clamp(out, labels, ticked)
    return out


def nearest_mean(features: np.ndarray, seeds: Seeds) -> np.ndarray:
    """Nearest class mean by cosine: what few-shot labelling tools do.

    It never uses a prior: the tools do not.

    Args:
        features: (n, d).
        seeds: labels and ticks.

    Returns:
        P (n, c + h): softmax of 20 times the cosine to each mean of unit rows; 0 for a class without label.

    Reference: imprinted weights, Qi, Brown & Lowe 2018; FiftyOne's few-shot rule.
    """
    import numpy as np

    X = unit_rows(np.asarray(features, np.float64))
    means = unit_rows(class_means(X, seeds))
    return seeded_softmax(TEMPERATURE * X @ means.T, seeds)


def random_forest(features: np.ndarray, seeds: Seeds, seed: int = 0) -> np.ndarray:
    """Balanced random forest of 100 trees on the labelled items: LightlyStudio's classifier.

    It never uses a prior: the tool does not.

    Reference: Breiman 2001; scikit-learn, class_weight="balanced".
    """
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(100, class_weight="balanced", random_state=seed)
    return predicted(model.fit(features[seeds.items], seeds.columns), features, seeds)


def label_spreading(
    vectors: np.ndarray, seeds: Seeds, prior: np.ndarray | None = None, alpha: float = ALPHA
) -> np.ndarray:
    """Label spreading on the graph of the 10 nearest items.

    Args:
        vectors: (n, e) embedding.
        seeds: labels and ticks.
        prior: (c,) or None.
        alpha: how far a label travels.

    Returns:
        P (n, c + h); uniform over the named classes where nothing arrives.

    Reference: Zhou et al. 2004; scikit-learn's LabelSpreading(kernel="knn").
    """
    import numpy as np
    from sklearn.semi_supervised import LabelSpreading

    given = np.full(len(vectors), -1)
    given[seeds.items] = seeds.columns
    model = LabelSpreading(kernel="knn", n_neighbors=min(NEIGHBOURS, len(vectors)), alpha=alpha, max_iter=1000)
    with np.errstate(invalid="ignore", divide="ignore"):  # an item that nothing reaches is 0 / 0 there
        model.fit(vectors, given)
    P = np.zeros((len(vectors), seeds.width))
    P[:, model.classes_] = np.nan_to_num(model.label_distributions_, nan=0.0)
    return normalise(P, prior, seeds.n_classes)


def poisson_mbo(vectors: np.ndarray, index: np.ndarray, seeds: Seeds, shares: np.ndarray) -> np.ndarray:
    """PoissonMBO of the package GraphLearning, with its own weights on the nearest items and its own settings.

    Args:
        vectors: (n, e) embedding.
        index: (n, q) nearest other items of each item.
        seeds: labels; every class has one.
        shares: (c,) the true class shares, which it needs; no other row is told them.

    Returns:
        (n, c), one 1 a row.

    Reference: Calder, Cook, Thorpe & Slepcev 2020; GraphLearning, ssl.poisson_mbo.
    """
    import graphlearning
    import numpy as np

    own = np.arange(len(vectors))[:, None]
    lists = np.concatenate([own, index], axis=1)
    distance = np.linalg.norm(vectors[lists] - vectors[:, None], axis=2)
    distance = np.maximum(distance, 1e-9)  # GraphLearning divides by the farthest
    W = graphlearning.weightmatrix.knn(None, index.shape[1], knn_data=(lists, distance))
    model = graphlearning.ssl.poisson_mbo(W, shares)
    return np.eye(seeds.width)[model.fit_predict(seeds.items, seeds.columns)]


def nodes_only(Z: csr_matrix, seeds: Seeds, prior: np.ndarray | None = None) -> np.ndarray:
    """Concepts without edges: an item knows what the labelled items of its own concepts say.

    Args:
        Z: (n, k) memberships.
        seeds: labels and ticks.
        prior: (c,) or None.

    Returns:
        P (n, c + h) = rows to 1 of Z Z_L' Y, each class divided by its number of labels.
    """
    import numpy as np

    Y = np.zeros((len(seeds.items), seeds.width))
    Y[np.arange(len(Y)), seeds.columns] = seed_values(seeds)
    return normalise(Z @ (Z[seeds.items].T @ Y), prior, seeds.n_classes)


def shuffled_memberships(Z: csr_matrix, seed: int) -> csr_matrix:
    """The same concepts and edges with every item given another item's memberships."""
    import numpy as np

    return Z[np.random.default_rng(seed).permutation(Z.shape[0])]
