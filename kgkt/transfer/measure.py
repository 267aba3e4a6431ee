"""What stands in a trained B: how each of its units goes along with each concept, measured on the pool."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import hard_memberships
from kgkt.transfer.blocks import leaves, read_blocks
from kgkt.transfer.outputs import Outputs, probabilities, read_outputs
from kgkt.transfer.taps import as_input, run_model
from kgkt.values import Block

if TYPE_CHECKING:
    import keras
    import numpy as np
    from scipy.sparse import csr_matrix

EXAMPLES = 8  # items kept of each unit, those that it is most active on
BATCH = 256
FLAT = 1e-9  # variance, beside the mean square, below which a unit never varies


@dataclass(frozen=True, slots=True, eq=False)
class LayerMeasured:
    """The units of one layer on a pool of n items and k concepts.

    A unit of a layer that is applied at every position of an item, or called several times, is as active on the item
    as it is in the mean over these.

    Args:
        kind: of its blocks.
        correlation: (k, u) Pearson correlation of activation and membership; 0 where either never varies.
        means: (k, u) mean activation over the items nearest to each concept; the mean of all where it has none.
        mean, deviation: (u,) of the activation over all items.
        top: (u, q) index of the items that each unit is most active on, the most active first.
        top_values: (u, q) its activation there.
    """

    kind: str
    correlation: np.ndarray
    means: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    top: np.ndarray
    top_values: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A trained B on the pool.

    Args:
        layers: layer path -> its units, from input to output.
        answers: (n,) the class that B gives each item.
        sure: (n,) B's probability of it.
        notices: layers that were not measured, or only in the mean, and why.
    """

    layers: dict[str, LayerMeasured]
    answers: np.ndarray
    sure: np.ndarray
    notices: tuple[str, ...]


def measure(
    model: keras.Model, x: Any, memberships: csr_matrix, *, from_logits: bool | None = None,
    blocks: Mapping[str, tuple[Block, ...]] | None = None,
) -> Measured:  # fmt: skip
    """Measure what each unit of a trained B answers to, in one pass over the pool.

    Args:
        model: the trained B.
        x: (n, ...) the pool as B reads it; one batch of it is read at a time.
        memberships: (n, k).
        from_logits: as for `read_outputs`.
        blocks: layer -> blocks to measure; those of `read_blocks` by default.

    Returns:
        The layers whose outputs have a channel for each block.
    """
    import numpy as np

    n = memberships.shape[0]
    outputs = read_outputs(model, from_logits)
    blocks = read_blocks(model) if blocks is None else blocks
    layers = {path: layer for path, layer in leaves(model) if path in blocks}
    sums = {path: _Sums(len(blocks[path]), memberships) for path in layers}
    answers, sure, notices = np.zeros(n, np.int64), np.zeros(n, np.float32), {}
    for start in range(0, n, BATCH):
        rows = np.arange(start, min(start + BATCH, n))
        with recorded(layers) as calls:
            y = run_model(model, as_input(model, x, rows), training=False)
        P = probabilities(outputs, y).numpy()
        answers[rows], sure[rows] = P.argmax(axis=1), P.max(axis=1)
        for path in list(sums):
            why = unreadable(calls[path], blocks[path], layers[path])
            if why:
                notices[path] = f"{path} was not measured: {why}"
                del sums[path]
                continue
            if words := _in_words(calls[path]):
                notices[path] = f"{path} {words}: its units were measured in the mean over these"
            sums[path].add(rows, activations(calls[path], layers[path]))
    found = {path: sums[path].result(blocks[path][0].kind) for path in blocks if path in sums}
    return Measured(found, answers, sure, tuple(notices.values()))


class _Sums:
    """What is summed over batches, of a layer of u units."""

    def __init__(self, units: int, memberships: csr_matrix) -> None:
        import numpy as np

        k = memberships.shape[1]
        self.Z, self.hard = memberships.tocsr(), hard_memberships(memberships).tocsr()
        self.shift: np.ndarray | None = None  # taken from all, so that no digits are lost in squares
        self.total, self.squares = np.zeros(units), np.zeros(units)
        self.soft, self.by_concept = np.zeros((k, units)), np.zeros((k, units))
        self.top, self.top_values = np.zeros((units, 0), np.int64), np.zeros((units, 0))

    def add(self, rows: np.ndarray, a: np.ndarray) -> None:
        """Add the activations a (b, u) of the items `rows`."""
        import numpy as np

        values = np.concatenate([self.top_values, a.T], axis=1)
        items = np.concatenate([self.top, np.broadcast_to(rows, (a.shape[1], len(rows)))], axis=1)
        best = np.argsort(-values, axis=1, kind="stable")[:, :EXAMPLES]
        self.top, self.top_values = np.take_along_axis(items, best, 1), np.take_along_axis(values, best, 1)
        self.shift = a.mean(axis=0, dtype=np.float64) if self.shift is None else self.shift
        moved = a - self.shift
        self.total += moved.sum(axis=0)
        self.squares += (moved**2).sum(axis=0)
        self.soft += self.Z[rows].T @ moved
        self.by_concept += self.hard[rows].T @ moved

    def result(self, kind: str) -> LayerMeasured:
        """The figures of the layer."""
        import numpy as np

        assert self.shift is not None
        n = self.Z.shape[0]
        sizes = np.asarray(self.hard.sum(axis=0), np.float64).ravel()
        mean, variance = self.total / n, np.maximum(self.squares / n - (self.total / n) ** 2, 0.0)
        variance[variance <= FLAT * (variance + (mean + self.shift) ** 2)] = 0.0
        means = np.where(sizes[:, None] > 0, self.by_concept / np.maximum(sizes, 1)[:, None], mean) + self.shift
        single = np.float32
        return LayerMeasured(
            kind, _pearson(self.Z, self.soft / n, mean, variance), means.astype(single),
            (mean + self.shift).astype(single), np.sqrt(variance).astype(single), self.top,
            self.top_values.astype(single),
        )  # fmt: skip


def correlation(memberships: csr_matrix, a: np.ndarray) -> np.ndarray:
    """Pearson correlation (k, u) float32 of sparse memberships (n, k) with activations (n, u)."""
    import numpy as np

    sums = _Sums(a.shape[1], memberships)
    sums.add(np.arange(len(a)), a)
    return sums.result("unit").correlation


def _pearson(Z: csr_matrix, soft: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Correlations (k, u) of mean products (k, u), and mean and variance (u,) of activations; Z (n, k)."""
    import numpy as np

    z = np.asarray(Z.mean(axis=0), np.float64).ravel()
    square = np.asarray(Z.multiply(Z).mean(axis=0), np.float64).ravel()
    spread = np.sqrt(np.maximum(square - z**2, 0.0))
    covariance = soft - z[:, None] * mean
    scale = np.where(spread > FLAT, spread, np.inf)[:, None] * np.where(variance > 0, np.sqrt(variance), np.inf)
    return np.clip(covariance / scale, -1.0, 1.0).astype(np.float32)


@contextlib.contextmanager
def replaced(layer: Any, change: Callable[[Any], Any]) -> Iterator[None]:
    """While open, what a layer gives is what `change` makes of its outputs, wherever in a model it is called."""
    original = layer.call

    def call(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if isinstance(found, list | tuple):  # of a layer that gives its states, too
            return type(found)([change(found[0]), *found[1:]])
        return change(found)

    layer.call = call
    try:
        yield
    finally:
        del layer.call


@contextlib.contextmanager
def recorded(layers: Mapping[str, Any]) -> Iterator[dict[str, list[Any]]]:
    """While open, what several layers give: path -> a tensor (b, ...) for each call."""
    calls: dict[str, list[Any]] = {path: [] for path in layers}

    def keep(path: str) -> Callable[[Any], Any]:
        def note(outputs: Any) -> Any:
            calls[path].append(outputs)
            return outputs

        return note

    with contextlib.ExitStack() as stack:
        for path, layer in layers.items():
            stack.enter_context(replaced(layer, keep(path)))
        yield calls


def unreadable(calls: list[Any], blocks: tuple[Block, ...], layer: Any) -> str:
    """Why a layer's outputs cannot be read block by block; "" where they can."""
    import numpy as np

    units = len(blocks)
    if blocks[0].kind == "row":
        return "its blocks are rows, which have no outputs of their own"
    if not calls:
        return "it is not called"
    for call in calls:
        if not hasattr(call, "shape") or len(call.shape) < 2 or call.shape[channels(layer)] != units:
            return f"its outputs do not have one channel for each of its {units} blocks"
        if not np.isfinite(np.asarray(call, np.float32)).all():
            return "its outputs are not finite"
    return ""


def channels(layer: Any) -> int:
    """The axis of a layer's outputs along which its units lie."""
    return 1 if getattr(layer, "data_format", None) == "channels_first" else -1


def activations(calls: list[Any], layer: Any) -> np.ndarray:
    """(b, u) float64, how active each unit is on each item: in the mean over positions and calls."""
    import numpy as np

    values = [np.moveaxis(np.asarray(call, np.float64), channels(layer), -1) for call in calls]
    return np.mean([v.reshape(len(v), -1, v.shape[-1]).mean(axis=1) for v in values], axis=0)


def _in_words(calls: list[Any]) -> str:
    """That a layer is called several times, in words."""
    return f"is shared, called {len(calls)} times" if len(calls) > 1 else ""


def evidence(outputs: Outputs, y: Any, label: Any) -> Any:
    """(b,) how much B's output tensor y (b, units) speaks for the classes `label` (b,), in nats.

    Of a softmax the logit of the class above the mean of all logits, which is what the softmax goes by; of sigmoids
    the logit of its own output.
    """
    import tensorflow as tf

    tiny = 1e-30
    y = tf.cast(y, tf.float32)
    if outputs.each:
        z = y if outputs.logits else tf.math.log(tf.maximum(y, tiny)) - tf.math.log(tf.maximum(1 - y, tiny))
        z = tf.concat([-z, z], axis=1) if outputs.units == 1 else z
    else:
        z = y if outputs.logits else tf.math.log(tf.maximum(y, tiny))
        z -= tf.reduce_mean(z, axis=1, keepdims=True)
    return tf.gather(z, label, axis=1, batch_dims=1)
