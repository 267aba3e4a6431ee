"""By what each layer of B gets its concepts: communities of them, or a map learned from items that both models know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError
from kgkt.transfer.blocks import leaves
from kgkt.transfer.learned import Learned, learn, pairs_of
from kgkt.transfer.measure import BATCH, activations, recorded, unreadable
from kgkt.transfer.taps import as_input, run_model
from kgkt.values import Block

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

FEWEST_PAIRS = 50  # with fewer, what is held out says nothing
HALF = 0.5  # of what A leaves unexplained of an untrained copy; where it leaves more, communities are the map
ANEW = 7919  # added to the seed, for B may have begun with it


def given(
    model: keras.Model, blocks: Mapping[str, tuple[Block, ...]], x: Any, rows: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """What layers of B give for the items `rows`, in one pass.

    Args:
        model: B.
        blocks: of the layers to read.
        x: (n, ...) items as B reads them.
        rows: (r,) item index.

    Returns:
        layer -> (r, u) float32, of positions and calls the mean; and why the others cannot be read.
    """
    import numpy as np

    layers = {path: layer for path, layer in leaves(model) if path in blocks}
    parts: dict[str, list[np.ndarray]] = {path: [] for path in layers}
    why: dict[str, str] = {}
    for start in range(0, len(rows), BATCH):
        with recorded(layers) as calls:
            run_model(model, as_input(model, x, rows[start : start + BATCH]), training=False)
        for path in parts.keys() - why.keys():
            if said := unreadable(calls[path], blocks[path], layers[path]):
                why[path] = said
            else:
                parts[path].append(activations(calls[path], layers[path]).astype(np.float32))
    return {path: np.concatenate(found) for path, found in parts.items() if path not in why}, why


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
        InputError: too few items; of "network" also that B has no hidden layer, or none that can be read and varies.
    """
    hidden = [layer for layer, group in blocks.items() if group[0].kind != "head"]
    if method == "network" and not hidden:
        raise InputError("B has no hidden layer that concepts are mapped to, so a network has nothing to learn; a head "
                         "slot gets its class mass: --method communities")
    if len(vectors) < FEWEST_PAIRS:
        raise InputError(f"a map is learned from {FEWEST_PAIRS} items or more, the pool has {len(vectors)}: "
                         "--method communities")
    rows = pairs_of(len(vectors), seed)


    def tried(layers: Iterable[str]) -> Iterator[tuple[str, Learned | None, str]]:
        read, why = given(model, {layer: blocks[layer] for layer in layers}, x, rows)
        for layer in layers:
            learned = learn(vectors[rows], read[layer], centroids, seed) if layer in read else None
            yield layer, learned, why.get(layer, "" if learned else "it gives the same for every item")

    found = {layer: _lesson(layer in hidden, method, learned, why) for layer, learned, why in tried(blocks)}
    if method == "network" and not any(found[layer].planned is not None for layer in hidden):
        said = "; ".join(f"{layer}: {found[layer].why}" for layer in hidden)
        raise InputError(f"no layer of B to learn a map to ({said}). Is the data what B reads (--target-data, "
                         "--target-pixels)? --method communities needs none")
    if method == "auto" and hidden:
        with untrained(model, seed):
            found |= {layer: _judged(found[layer], learned) for layer, learned, _ in tried(hidden)}
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
