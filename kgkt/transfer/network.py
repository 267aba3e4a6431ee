"""By what each layer of B gets its concepts: communities of them, or a map learned from items that both models know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.transfer.blocks import leaves
from kgkt.transfer.learned import Learned, learn, pairs_of
from kgkt.transfer.taps import tapped
from kgkt.values import Block

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

FEWEST_PAIRS = 50  # with fewer, what is held out says nothing
HALF = 0.5  # of what A leaves unexplained of an untrained copy; where it leaves more, communities are the map
ANEW = 7919  # added to the seed, for B may have begun with it


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
        InputError: too few items, activations that are no numbers; of "network" also that B has no hidden layer, or
            none whose activations vary.
    """
    hidden = [layer for layer, group in blocks.items() if group[0].kind != "head"]
    if method == "network" and not hidden:
        raise InputError("B has no hidden layer that concepts are mapped to, so a network has nothing to learn; a head "
                         "slot gets its class mass: --method communities")
    if len(vectors) < FEWEST_PAIRS:
        raise InputError(f"a map is learned from {FEWEST_PAIRS} items or more, the pool has {len(vectors)}: "
                         "--method communities")
    rows = pairs_of(len(vectors), seed)

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
    if method == "auto" and hidden:
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
