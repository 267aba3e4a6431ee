"""The learned mapping: from A's embedding to what flows through a layer of B, on the items that both know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.neural_network import MLPRegressor

PAIRS = 3000  # items that the maps are learned from: more take longer, and say little more
HELD_OUT = 0.2  # of the pairs: they choose between the maps, and nothing is fitted to them
HIDDEN, BATCH = 256, 64  # units of the network's one hidden layer, and pairs a step of Adam
EPOCHS, PATIENCE = 200, 20  # of the network at most, and without a gain on the pairs that stop it
STOPPING = 0.15  # of the pairs that maps are fitted to: these
LAMBDAS = tuple(10.0**power for power in range(-4, 5))  # of ridge
MOST = 5  # units that a concept maps to: its strongest
LEAST = 0.01  # part of a concept's strength below which a unit is left out
STILL = 1e-6  # deviation, in units of the largest of the layer, up to which a unit is held not to vary


@dataclass(frozen=True, slots=True)
class Learned:
    """What two maps from A's embedding to a layer of u units predict, and how well.

    Args:
        ridge, network: share of the variance of the held-out items' activations that each explains, all units together.
        planned: name of the map -> (k, u) strengths, from what it predicts at each concept.
        still: units that give the same for every item; no concept is mapped to them.
        pairs, held_out: items that the maps were fitted to, and that the shares are of.
    """

    ridge: float
    network: float
    planned: dict[str, csr_matrix]
    still: int
    pairs: int
    held_out: int

    @property
    def better(self) -> str:
        """The map that explains more."""
        return "network" if self.network > self.ridge else "ridge"

    @property
    def most(self) -> float:
        """The larger share."""
        return max(self.network, self.ridge)


def pairs_of(n: int, seed: int) -> np.ndarray:
    """Which of n items maps are learned from, in order."""
    import numpy as np

    return np.sort(np.random.default_rng(seed).permutation(n)[:PAIRS])


def split(pairs: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of so many pairs are held out, and which the maps are fitted to."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(pairs)
    first = max(1, round(HELD_OUT * pairs))
    return order[:first], order[first:]


def learn(vectors: np.ndarray, given: np.ndarray, centroids: np.ndarray, seed: int = 0) -> Learned | None:
    """Learn both maps on pairs, and hold them against pairs that they were not fitted to.

    Ridge is solved in closed form, its lambda the one that explains pairs left out one by one best; the network has
    one hidden layer, is trained with Adam, and stopped by a part of its pairs. A unit counts in the strengths
    by how much of it is explained of the pairs held out.

    Args:
        vectors: (r, e) A's embedding of the items.
        given: (r, u) what B's layer gives for them.
        centroids: (k, e) of the concepts.
        seed: of the split and of the network.

    Returns:
        What they predict; None where no unit varies.

    Reference: Hoerl and Kennard 1970 (ridge regression); Kingma and Ba 2015 (Adam).
    """
    import numpy as np
    from sklearn.linear_model import RidgeCV

    held, fitted = split(len(vectors), seed)
    mean, deviation = given[fitted].mean(axis=0, dtype=np.float64), given[fitted].std(axis=0, dtype=np.float64)
    varying = deviation > STILL * max(deviation.max(), 1e-30)
    if not varying.any():
        return None
    deviation = deviation[varying]
    unit = (deviation**2).mean() ** 0.5  # one for all: a block that hardly ever fires must not count like the rest
    Y = ((given[:, varying] - mean[varying]) / unit).astype(np.float32)
    middle, spread = vectors[fitted].mean(axis=0), vectors[fitted].std() + 1e-12
    X, C = ((np.asarray(part, np.float32) - middle) / spread for part in (vectors, centroids))
    maps = {"ridge": RidgeCV(alphas=LAMBDAS).fit(X[fitted], Y[fitted]),
            "network": fit_network(X[fitted], Y[fitted], seed)}  # fmt: skip
    planned, shares = {}, {}
    whole = ((Y[held] - Y[held].mean(axis=0)) ** 2).sum(axis=0)
    for name, learned in maps.items():
        rest = ((Y[held] - learned.predict(X[held]).reshape(len(held), -1)) ** 2).sum(axis=0)
        shares[name] = 1.0 - float(rest.sum() / whole.sum())
        trust = np.maximum(1.0 - rest / np.maximum(whole, 1e-12), LEAST)  # what is guessed of a block says little
        above = np.full((len(C), len(varying)), -np.inf)
        above[:, varying] = learned.predict(C).reshape(len(C), -1) * unit / deviation * trust
        planned[name] = strengths(above)
    return Learned(shares["ridge"], shares["network"], planned, int((~varying).sum()), len(fitted), len(held))


def fit_network(X: np.ndarray, Y: np.ndarray, seed: int) -> MLPRegressor:
    """A network of one hidden layer from X (r, e) to Y (r, u), stopped by the pairs that it is not trained on."""
    import numpy as np
    from sklearn.neural_network import MLPRegressor

    stop, train = np.split(np.arange(len(X)), [max(1, round(STOPPING * len(X)))])
    network = MLPRegressor(
        hidden_layer_sizes=(HIDDEN,), batch_size=min(BATCH, len(train)), random_state=np.random.RandomState(seed)
    )
    best: tuple[float, int, Any] = (np.inf, 0, None)
    for epoch in range(EPOCHS):
        network.partial_fit(X[train], Y[train].ravel() if Y.shape[1] == 1 else Y[train])
        loss = float(((Y[stop] - network.predict(X[stop]).reshape(len(stop), -1)) ** 2).mean())
        if loss < best[0]:
            best = loss, epoch, ([c.copy() for c in network.coefs_], [c.copy() for c in network.intercepts_])
        elif epoch - best[1] >= PATIENCE:
            break
    network.coefs_, network.intercepts_ = best[2]
    return network


def strengths(above: np.ndarray) -> csr_matrix:
    """Strengths (k, u) from what a map predicts at the concepts.

    A concept maps to the 5 units that it is most above the mean of, or to the one that it is least below; a unit that
    is among no concept's 5 gets the concept that is highest in it, for a unit without any would be written to nothing.
    At most 5 k + u strengths, rows to 1.

    Args:
        above: (k, u), in deviations above each unit's mean; -inf of units that get no concept.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    k, u = above.shape
    varying = np.isfinite(above[0])
    near = np.argsort(-above, axis=1, kind="stable")[:, : min(MOST, int(varying.sum()))]
    values = np.maximum(np.take_along_axis(above, near, axis=1), 0.0)
    values[values[:, 0] <= 0, 0] = 1.0
    values /= values.sum(axis=1, keepdims=True)
    kept = values >= LEAST
    found = csr_matrix((values[kept], (np.repeat(np.arange(k), kept.sum(axis=1)), near[kept])), (k, u)).tolil()
    for unit in np.flatnonzero(varying & (found.getnnz(axis=0) == 0)):
        concept = int(above[:, unit].argmax())
        most = above[concept].max()
        share = above[concept, unit] / most if most > 0 else 0.0
        found[concept, unit] = max(share * values[concept, 0], LEAST)
    found = found.tocsr()
    return csr_matrix(found.multiply(1.0 / np.asarray(found.sum(axis=1))), dtype=np.float32)
