"""Rows of an Embedding for words that B never saw: learned from the words that both A and B know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError
from kgkt.transfer.learned import LAMBDAS, fit_network, split

if TYPE_CHECKING:
    import numpy as np

FEWEST_PAIRS = 50  # words that both know; with fewer, what is held out says nothing
WAYS = ("ridge", "network", "concept")  # in which a row is foretold; of these one is chosen
CONTROLS = ("mean row", "unknown's row", "zeros")  # what knows nothing of A
NETWORK_PAIRS = 3000  # that the network is trained on, at most: more take longer, and say little more
TOO_GOOD = 0.95  # R² that no training leaves: such rows were made of A's features
SURE = 3.0  # standard errors by which what is foretold of words held out must be above 0

Guess = Callable[["np.ndarray", "np.ndarray"], "np.ndarray"]  # vectors (m, d), concepts (m,) -> rows (m, w)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """The words that both A and B know.

    Args:
        vectors: (s, d) A's features of them, less their mean.
        concepts: (s,) the number of each one's concept.
        rows: (s, w) of B's Embedding.
        places: (s,) where these rows stand in it.
        unknown: (w,) the row that B reads for a word it does not know; None where it has none.
    """

    vectors: np.ndarray
    concepts: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    unknown: np.ndarray | None

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, index: np.ndarray) -> Pairs:
        """Some of them."""
        return Pairs(self.vectors[index], self.concepts[index], self.rows[index], self.places[index], self.unknown)


def above_chance(value: float, error: float) -> bool:
    """Whether what was measured on words held out is above 0 by three standard errors.

    >>> above_chance(0.1, 0.03), above_chance(0.1, 0.04)
    (True, False)
    """
    return value > SURE * error


@dataclass(frozen=True, slots=True)
class Foretold:
    """How well one way foretells rows that it was not fitted to.

    Args:
        cosine: mean cosine of its rows to B's, both less B's mean row.
        error: standard error of that, over the words.
        r2: what it explains of the squared distances to the mean row; below 0 of rows of the right direction that are
            too long.
        stretch: how much longer B's own rows are, less the mean row, than those foretold.
    """

    cosine: float
    error: float
    r2: float
    stretch: float

    @property
    def sure(self) -> bool:
        """Whether it says more than the mean row does."""
        return above_chance(self.cosine, self.error)

    @property
    def too_good(self) -> bool:
        """Whether it says so much that the rows themselves may have been made by it."""
        return self.r2 > TOO_GOOD


def foreteller(way: str, pairs: Pairs, seed: int = 0) -> Guess:
    """Learn to foretell rows of B in one way.

    Args:
        way: "ridge": the closed form, its lambda by pairs left out one by one. "network": one hidden layer, stopped by
            a part of its pairs. "concept": the mean row of the words of the concept; the mean of all where it has none.
            Or one of the controls.
        pairs: what it is learned from.
        seed: of the network.

    Reference: Hoerl and Kennard 1970 (ridge regression).
    """
    import numpy as np
    from sklearn.linear_model import RidgeCV

    mean = pairs.rows.mean(axis=0, dtype=np.float64)
    if way in CONTROLS:
        row = {"mean row": mean, "unknown's row": pairs.unknown, "zeros": 0 * mean}[way]
        return lambda vectors, _: np.tile(np.asarray(row, np.float32), (len(vectors), 1))
    if way == "concept":
        k = int(pairs.concepts.max()) + 1
        sums, many = np.zeros((k, pairs.rows.shape[1])), np.bincount(pairs.concepts, minlength=k)
        np.add.at(sums, pairs.concepts, pairs.rows)
        means = np.where(many[:, None] > 0, sums / np.maximum(many, 1)[:, None], mean).astype(np.float32)
        means = np.vstack([means, mean.astype(np.float32)])  # the last one is of concepts with higher numbers
        return lambda _, concepts: means[np.minimum(concepts, k)]
    scale, unit = float(pairs.vectors.std()) + 1e-12, float(pairs.rows.std()) + 1e-12
    X, Y = pairs.vectors / scale, ((pairs.rows - mean) / unit).astype(np.float32)
    if way == "ridge":
        learned = RidgeCV(alphas=tuple(scale * len(X) for scale in LAMBDAS)).fit(X, Y)
    else:
        some = np.random.default_rng(seed).permutation(len(X))[:NETWORK_PAIRS]
        learned = fit_network(X[some], Y[some], seed)
    return lambda vectors, _: (
        np.asarray(learned.predict(vectors / scale)).reshape(len(vectors), -1) * unit + mean).astype(np.float32)


def foretell(
    way: str, pairs: Pairs, vectors: np.ndarray, concepts: np.ndarray, stretch: float = 1.0, seed: int = 0
) -> np.ndarray:
    """Rows (m, w) float32 for words with these vectors (m, d) and concepts (m,).

    What is foretold is nearer to the mean row than B's own rows are, the more so the less is known of them, and a row
    of half the length says half as much to B. So it is put `stretch` times as far from the mean row.
    """
    import numpy as np

    mean = pairs.rows.mean(axis=0, dtype=np.float64)
    return np.asarray(mean + stretch * (foreteller(way, pairs, seed)(vectors, concepts) - mean), np.float32)


def foretold(way: str, fitted: Pairs, held: Pairs, seed: int = 0) -> Foretold:
    """How well a way that was fitted to some words foretells the rows of others."""
    import numpy as np

    mean = fitted.rows.mean(axis=0, dtype=np.float64)
    said, true = foretell(way, fitted, held.vectors, held.concepts, seed=seed) - mean, held.rows - mean
    long, own = np.linalg.norm(said, axis=1), np.linalg.norm(true, axis=1)
    tiny = 1e-6 * max(float(own.mean()), 1e-30)
    some = (long > tiny) & (own > tiny)
    cosines = np.divide((true * said).sum(axis=1), long * own, out=np.zeros(len(own)), where=some)
    r2 = 1 - float(((true - said) ** 2).sum()) / max(float((true**2).sum()), 1e-30)
    stretch = float(own.mean() / long.mean()) if long.mean() > tiny and way in WAYS else 1.0
    return Foretold(float(cosines.mean()), float(np.std(cosines)) / len(cosines) ** 0.5, r2, stretch)


def choose_way(pairs: Pairs, seed: int = 0) -> tuple[str, dict[str, Foretold], int]:
    """The way whose rows have the best cosine to B's on a fifth of the words, which it was not fitted to.

    Returns:
        Its name, what each way and each control foretells, and how many words were held out.

    Raises:
        InputError: too few words.
    """
    if len(pairs) < FEWEST_PAIRS:
        raise InputError(f"the graph has {len(pairs)} of B's words, and rows of new ones are learned from "
                         f"{FEWEST_PAIRS} or more. Are they words at all, of the same language and casing (--lower)?")
    held, fitted = split(len(pairs), seed)
    ways = (*WAYS, *(way for way in CONTROLS if way != "unknown's row" or pairs.unknown is not None))
    tried = {way: foretold(way, pairs.part(fitted), pairs.part(held), seed) for way in ways}
    return max(WAYS, key=lambda way: tried[way].cosine), tried, len(held)
