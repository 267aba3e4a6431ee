"""From A's vectors of words to the rows that a trained B has for them: ridge or a network, judged on rows held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.errors import InputError, count
from kgkt.transfer.learned import LAMBDAS, PAIRS, fit_network, split
from kgkt.transfer.words.extend import FEWEST_PAIRS, SURE, above_chance

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class RowMap:
    """A map from A's vectors to B's rows.

    Args:
        by: "ridge" or "network": the one that explains more, of those that explain anything for sure.
        ridge, network: share of the squared distances of the rows held out to the mean row that each explains.
        pairs, held_out: rows that the maps were fitted to, and that the shares are of.
        held: (held_out,) which of the pairs these are.
        mean: (width,) the mean row, of those that the maps were fitted to.
        predict: (n, d) -> (n, width) float32.
    """

    by: str
    ridge: float
    network: float
    pairs: int
    held_out: int
    held: np.ndarray
    mean: np.ndarray
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

    if len(rows) < FEWEST_PAIRS:
        raise InputError(f"B's rows were trained, and A has vectors of {count(len(rows), 'word')} of these rows: "
                         f"{FEWEST_PAIRS} or more are needed to learn from them how A's space lies in B's. "
                         "--projection pca writes all words as into a B that was never trained")
    held, fitted = split(len(rows), seed)
    middle, spread = vectors[fitted].mean(axis=0), vectors[fitted].std() + 1e-12
    mean, unit = rows[fitted].mean(axis=0), (rows[fitted] - rows[fitted].mean(axis=0)).std() + 1e-12
    X, Y = ((vectors - middle) / spread).astype(np.float32), ((rows - mean) / unit).astype(np.float32)
    few = fitted[:PAIRS]
    maps = {"ridge": RidgeCV(alphas=LAMBDAS).fit(X[fitted], Y[fitted]), "network": fit_network(X[few], Y[few], seed)}
    if (Y[held] ** 2).sum() == 0:
        raise InputError("B's rows are the same for every word: there is nothing to learn from them")
    found = {name: explained(Y[held], one.predict(X[held]).reshape(len(held), -1)) for name, one in maps.items()}
    sure = [name for name, one in found.items() if above_chance(*one)]
    if not sure:
        tried = ", ".join(f"{name} {percent(one)} % ±{percent(error)}" for name, (one, error) in found.items())
        raise InputError(
            f"A's vectors explain nothing of B's trained rows that is above 0 by {SURE:.0f} standard errors "
            f"({tried}, of {len(held)} held out): nothing is written. "
            "--projection pca writes all words as into a B that was never trained")

    by = max(sure, key=lambda name: found[name][0])

    def predict(new: np.ndarray) -> np.ndarray:
        said = maps[by].predict(((new - middle) / spread).astype(np.float32)).reshape(len(new), -1)
        return (said * unit + mean).astype(np.float32)

    return RowMap(by, found["ridge"][0], found["network"][0], len(fitted), len(held), held, mean, predict)


def explained(true: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """What is explained of rows (n, width) less the mean row: a share of their squared lengths, and its standard error.

    Reference: Cochran 1977 (Sampling techniques: the standard error of a ratio).
    """
    import numpy as np

    whole, left = ((part.astype(np.float64) ** 2).sum(axis=1) for part in (true, true - said))
    share = 1 - left.sum() / whole.sum()
    return float(share), float(np.std(whole - left - share * whole) / whole.mean() / len(whole) ** 0.5)


def percent(share: float) -> str:
    """A share of 1 in per cent, small ones with two digits.

    >>> percent(0.464), percent(0.00035), percent(-1.5), percent(1.0)
    ('46', '0.035', '-150', '100')
    """
    return f"{100 * share:.2g}" if abs(share) < 0.1 else f"{100 * share:.0f}"
