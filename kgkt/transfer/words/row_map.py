"""From A's vectors of words to the rows that a trained B has for them: ridge or a network, judged on rows held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError, count
from kgkt.transfer.learned import LAMBDAS, PAIRS, fit_network, split

if TYPE_CHECKING:
    import numpy as np

FEWEST = 50  # pairs; with fewer, what is held out says nothing


@dataclass(frozen=True, slots=True)
class RowMap:
    """A map from A's vectors to B's rows.

    Args:
        by: "ridge" or "network": the one that explains more.
        ridge, network: share of the variance of the rows held out that each explains.
        pairs, held_out: rows that the maps were fitted to, and that the shares are of.
        predict: (n, d) -> (n, width) float32.
    """

    by: str
    ridge: float
    network: float
    pairs: int
    held_out: int
    predict: Callable[[np.ndarray], np.ndarray]


def learn_row_map(vectors: np.ndarray, rows: np.ndarray, seed: int = 0) -> RowMap:
    """Learn both maps from words that A and B know, and take the one that explains more of the rows held out.

    Args:
        vectors: (p, d) A's.
        rows: (p, width) of B.
        seed: of the split and of the network.

    Raises:
        InputError: too few words, rows that are all the same, or maps that explain nothing.

    Reference: Mikolov et al. 2013 (Exploiting similarities among languages: the linear map between word spaces).
    """
    import numpy as np
    from sklearn.linear_model import RidgeCV

    if len(rows) < FEWEST:
        raise InputError(f"B's rows were trained, and A has vectors of {count(len(rows), 'word')} of these rows: "
                         f"{FEWEST} or more are needed to learn from them how A's space lies in B's. --projection pca "
                         "writes all words as into a B that was never trained")
    held, fitted = split(len(rows), seed)
    middle, spread = vectors[fitted].mean(axis=0), vectors[fitted].std() + 1e-12
    mean, unit = rows[fitted].mean(axis=0), (rows[fitted] - rows[fitted].mean(axis=0)).std() + 1e-12
    X, Y = ((vectors - middle) / spread).astype(np.float32), ((rows - mean) / unit).astype(np.float32)
    few = fitted[:PAIRS]
    maps = {"ridge": RidgeCV(alphas=LAMBDAS).fit(X[fitted], Y[fitted]), "network": fit_network(X[few], Y[few], seed)}
    whole = ((Y[held] - Y[held].mean(axis=0)) ** 2).sum()
    if whole == 0:
        raise InputError("B's rows are the same for every word: there is nothing to learn from them")
    left = {name: ((Y[held] - one.predict(X[held]).reshape(len(held), -1)) ** 2).sum() for name, one in maps.items()}
    shares = {name: float(1 - part / whole) for name, part in left.items()}
    by = max(shares, key=lambda name: shares[name])
    if shares[by] <= 0:
        raise InputError(f"A's vectors explain nothing of B's trained rows (of {len(held)} held out ridge explains "
                         f"{100 * shares['ridge']:.0f} %, a network {100 * shares['network']:.0f} %): nothing is "
                         "written. --projection pca writes all words as into a B that was never trained")

    def predict(new: np.ndarray) -> np.ndarray:
        found = maps[by].predict(((new - middle) / spread).astype(np.float32)).reshape(len(new), -1)
        return (found * unit + mean).astype(np.float32)

    return RowMap(by, shares["ridge"], shares["network"], len(fitted), len(held), predict)
