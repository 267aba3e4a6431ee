"""The learned mapping: from A's embedding to what flows through B's layers, on the items that both know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.blocks import leaves
from kgkt.transfer.taps import tapped
from kgkt.values import Block

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.neural_network import MLPRegressor

PAIRS = 5000  # items that the maps are learned from: more take longer and change their predictions little
FEWEST_PAIRS = 50  # with fewer, what is held out says nothing
HELD_OUT = 0.2  # of the pairs: they choose between the maps, and nothing is fitted to them
HIDDEN, BATCH = 256, 64  # units of the network's one hidden layer, and pairs a step of Adam
EPOCHS, PATIENCE = 200, 20  # of the network at most, and without a gain on the pairs that stop it
STOPPING = 0.15  # of the pairs that maps are fitted to: these
LAMBDAS = tuple(10.0**power for power in range(-4, 5))  # of ridge
MOST = 5  # units that a concept maps to: its strongest
LEAST = 0.01  # part of a concept's strength below which a unit is left out
HALF = 0.5  # of what A leaves unexplained of an untrained copy; where it leaves more, communities are the map
ANEW = 7919  # added to the seed, for B may have begun with it
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


def hidden_of(blocks: Mapping[str, tuple[Block, ...]]) -> list[str]:
    """The layers that are not the head."""
    return [layer for layer, group in blocks.items() if group[0].kind != "head"]


def activations(model: keras.Model, layer: Any, x: Any, rows: np.ndarray) -> tuple[np.ndarray | None, str]:
    """What a layer gives for the items `rows`: (r, u) float32, of positions the mean; or None and why not.

    Args:
        model: B.
        layer: of B.
        x: (n, ...) items as B reads them.
        rows: (r,) item index.

    Raises:
        InputError: they are no finite numbers.
    """
    import numpy as np

    first = getattr(layer, "data_format", None) == "channels_first"
    parts = []
    for calls in tapped(model, layer, x, rows, side="output"):
        if len(calls) != 1:
            return None, f"it is shared, called {len(calls)} times"
        given = np.moveaxis(calls[0], 1, -1) if first else calls[0]
        parts.append(given.mean(axis=tuple(range(1, given.ndim - 1))))
    found = np.concatenate(parts)
    if not np.isfinite(found).all():
        bad = count(int((~np.isfinite(found)).any(axis=1).sum()), "item")
        raise InputError(f"B's layer {layer.name} gives no finite numbers for {bad}: look at B's weights, and at the "
                         "range of the data (--target-pixels)")
    return found, ""


def learn(vectors: np.ndarray, given: np.ndarray, centroids: np.ndarray, seed: int = 0) -> Learned | None:
    """Learn both maps on pairs, and hold them against pairs that they were not fitted to.

    Ridge is solved in closed form, its lambda the one that explains pairs left out one by one best; the network has
    one hidden layer, is trained with Adam, and stopped by a part of its pairs.

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

    order = np.random.default_rng(seed).permutation(len(vectors))
    held, fitted = np.split(order, [max(1, round(HELD_OUT * len(vectors)))])
    mean, deviation = given[fitted].mean(axis=0, dtype=np.float64), given[fitted].std(axis=0, dtype=np.float64)
    varying = deviation > STILL * max(deviation.max(), 1e-30)
    if not varying.any():
        return None
    deviation = deviation[varying]
    unit = (deviation**2).mean() ** 0.5  # one for all: a block that hardly ever fires must not count like the rest
    Y = ((given[:, varying] - mean[varying]) / unit).astype(np.float32)
    middle, spread = vectors[fitted].mean(axis=0), vectors[fitted].std() + 1e-12
    X, C = ((np.asarray(part, np.float32) - middle) / spread for part in (vectors, centroids))
    maps = {"ridge": RidgeCV(alphas=LAMBDAS).fit(X[fitted], Y[fitted]), "network": _network(X[fitted], Y[fitted], seed)}
    planned, shares = {}, {}
    for name, learned in maps.items():
        rest = Y[held] - learned.predict(X[held]).reshape(len(held), -1)
        shares[name] = 1.0 - float((rest**2).sum() / ((Y[held] - Y[held].mean(axis=0)) ** 2).sum())
        above = np.full((len(C), len(varying)), -np.inf)
        above[:, varying] = learned.predict(C).reshape(len(C), -1) * unit / deviation
        planned[name] = strengths(above)
    return Learned(shares["ridge"], shares["network"], planned, int((~varying).sum()), len(fitted), len(held))


def _network(X: np.ndarray, Y: np.ndarray, seed: int) -> MLPRegressor:
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


@dataclass(frozen=True, slots=True)
class Lesson:
    """How one layer of B got its concepts.

    Args:
        by: "class mass", "communities", "ridge" or "network".
        why: a phrase on the choice; "" where it was asked for.
        learned: what the maps explain; None where they were not tried.
        untrained: of "auto", what the better map explains of an untrained copy of B; else None.
    """

    by: str
    why: str = ""
    learned: Learned | None = None
    untrained: float | None = None

    @property
    def planned(self) -> csr_matrix | None:
        """Strengths (k, u) of the map that was chosen; None where they come otherwise."""
        return self.learned.planned.get(self.by) if self.learned else None


def lessons(
    model: keras.Model, blocks: Mapping[str, tuple[Block, ...]], x: Any, vectors: np.ndarray, centroids: np.ndarray,
    method: str, seed: int = 0,
) -> dict[str, Lesson]:  # fmt: skip
    """Choose by what each mapped layer of B gets its concepts, and learn that.

    Args:
        model: B.
        blocks: of the mapped layers.
        x: (n, ...) the pool as B reads it.
        vectors: (n, e) A's embedding of it.
        centroids: (k, e) of the concepts.
        method: "network": that. "auto": the map that explains more of the pairs held out, where it leaves at most half
            of what one leaves of an untrained copy of B; else communities.
        seed: of the pairs, of the network and of the copy.

    Raises:
        InputError: too few items, activations that are no numbers; B has no hidden layer; of "network" also that none
            has activations that vary.
    """
    import numpy as np

    hidden = [layer for layer, group in blocks.items() if group[0].kind != "head"]
    if not hidden:
        raise InputError("B has no hidden layer that concepts are mapped to, so a network has nothing to learn; a head "
                         "slot gets its class mass: --method communities")
    if len(vectors) < FEWEST_PAIRS:
        raise InputError(f"a map is learned from {FEWEST_PAIRS} items or more, the pool has {len(vectors)}: "
                         "--method communities")
    rows = np.sort(np.random.default_rng(seed).permutation(len(vectors))[:PAIRS])

    layers = dict(leaves(model))

    def tried(path: str) -> tuple[Learned | None, str]:
        given, why = activations(model, layers[path], x, rows)
        learned = None if given is None else learn(vectors[rows], given, centroids, seed)
        return learned, why or ("" if learned else "it gives the same for every item")

    found = {layer: _lesson(layer in hidden, method, *tried(layer)) for layer in blocks}
    if method == "network" and not any(found[layer].planned is not None for layer in hidden):
        said = "; ".join(f"{layer}: {found[layer].why}" for layer in hidden)
        raise InputError(f"no layer of B to learn a map to ({said}). Is the data what B reads (--target-data, "
                         "--target-pixels)? --method communities needs none")
    if method == "auto":
        with untrained(model, seed):
            found |= {layer: _judged(found[layer], tried(layer)[0]) for layer in hidden}
    return found


def _lesson(hidden: bool, method: str, learned: Learned | None, why: str) -> Lesson:
    """By what a layer gets its concepts where that is asked for."""
    if not hidden:
        return Lesson("class mass", learned=learned)
    return Lesson("communities", why) if learned is None else Lesson(
        "network" if method == "network" else learned.better, learned=learned)


def _judged(lesson: Lesson, copy: Learned | None) -> Lesson:
    """The same, or communities where A explains of the layer hardly more than of an untrained copy."""
    if lesson.learned is None or copy is None:
        return replace(lesson, by="communities", why=lesson.why or "an untrained copy gives the same for every item")
    better = 1 - lesson.learned.most <= HALF * (1 - copy.most)
    return replace(lesson, by=lesson.by if better else "communities", untrained=copy.most)


@contextlib.contextmanager
def untrained(model: keras.Model, seed: int) -> Iterator[None]:
    """Within it B has weights that it could have begun with; after it its own again.

    Raises:
        InputError: Keras cannot make a model like B.
    """
    import keras

    own = [variable.numpy() for variable in model.variables]
    keras.utils.set_random_seed(seed + ANEW)
    try:
        begun = keras.models.clone_model(model)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise InputError(f"B cannot be begun anew, to see what its training is worth ({error}): ask for --method "
                         "network or communities") from error
    try:
        for variable, value in zip(model.variables, begun.variables, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, kept in zip(model.variables, own, strict=True):
            variable.assign(kept)
