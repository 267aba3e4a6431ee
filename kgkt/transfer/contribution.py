"""What each unit of a layer contributes to B's answer, and what B answers without some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.transfer.measure import channels, evidence, replaced
from kgkt.transfer.outputs import Outputs
from kgkt.transfer.taps import as_input, run_model

if TYPE_CHECKING:
    import keras
    import numpy as np

STEPS = 8  # points on the way from the average to the item
BATCH = 128


def contributions(
    model: keras.Model, layer: Any, x: Any, rows: np.ndarray, labels: np.ndarray, mean: np.ndarray, outputs: Outputs,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each unit of a layer adds to the evidence for a class, beside a layer in which all were as on average.

    The gradient of the evidence by the layer's outputs, in the mean over points on the straight way from the average
    to the item's own outputs, times what these differ from the average; summed over positions and calls. Over the
    units these sum to the evidence minus what it is with the layer at its average, but for the error of the mean over
    points. Before a linear head it is exact: what the unit's activation differs from the average by, times its weight.

    Args:
        model: B.
        layer: any layer inside it, of u units.
        x: (n, ...) items as B reads them.
        rows: (r,) item index.
        labels: (r,) class index of the evidence for each.
        mean: (u,) average activations.
        outputs: how B's outputs are read.

    Returns:
        Contributions (r, u) in nats; the gradients (r, u) summed over positions; and the evidence (r,).

    Reference: Sundararajan et al. 2017 (integrated gradients), at a hidden layer as Dhamdhere et al. 2019.
    """
    import numpy as np
    import tensorflow as tf

    parts = []
    for start in range(0, len(rows), BATCH):
        chosen = np.asarray(rows[start : start + BATCH])
        read, label = as_input(model, x, chosen), tf.constant(np.asarray(labels[start : start + BATCH], np.int64))
        slopes, apart, plain = _slopes(model, layer, read, label, mean, outputs)
        parts.append((
            sum(_per_unit(g * d, layer) for g, d in zip(slopes, apart, strict=True)),
            sum(_per_unit(g, layer) for g in slopes), plain,
        ))  # fmt: skip
    given, slope, plain = (np.concatenate(part) for part in zip(*parts, strict=True))
    return given, slope, plain


def _slopes(
    model: keras.Model, layer: Any, read: Any, label: Any, mean: np.ndarray, outputs: Outputs
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """For each call of the layer the mean gradient and the way (b, ...), and the evidence (b,) as it is."""
    import numpy as np
    import tensorflow as tf

    totals: list[np.ndarray] = []
    apart: list[np.ndarray] = []
    for point in (np.arange(STEPS) + 0.5) / STEPS:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            on_the_way, apart, move = _mover(layer, mean, float(point), tape)
            with replaced(layer, move):
                said = evidence(outputs, run_model(model, read, training=False), label)
        found = tape.gradient(said, on_the_way, unconnected_gradients="zero")
        slopes = [np.asarray(slope, np.float64) / STEPS for slope in found]
        totals = [total + slope for total, slope in zip(totals, slopes, strict=True)] if totals else slopes
    plain = evidence(outputs, run_model(model, read, training=False), label).numpy()
    return totals, apart, plain


def _mover(layer: Any, mean: np.ndarray, point: float, tape: Any) -> tuple[list[Any], list[np.ndarray], Any]:
    """A function that moves a layer's outputs on the way from its average, and what it notes at each call."""
    import numpy as np
    import tensorflow as tf

    on_the_way: list[Any] = []
    apart: list[np.ndarray] = []

    def move(found: Any) -> Any:
        base = tf.cast(_along(mean, found, layer), found.dtype)
        here = base + tf.cast(point, found.dtype) * (found - base)
        tape.watch(here)
        on_the_way.append(here)
        apart.append(np.asarray(found - base, np.float64))
        return here

    return on_the_way, apart, move


def silenced(
    model: keras.Model, layer: Any, x: Any, rows: np.ndarray, units: np.ndarray, to: np.ndarray | None = None
) -> Any:
    """B's output tensor for the items `rows` with some units of a layer held at a value, whatever they read.

    Args:
        model, layer, x, rows: as for `contributions`.
        units: (s,) index of the units to silence, or (r, s), an own set for each item.
        to: (u,) values; 0 by default.
    """
    import numpy as np
    import tensorflow as tf

    def hold(found: Any) -> Any:
        size = found.shape[channels(layer)]
        sets = np.atleast_2d(np.asarray(units, int))
        keep = np.ones((len(sets), size))
        np.put_along_axis(keep, sets, 0.0, axis=1)
        value = np.zeros(size) if to is None else np.asarray(to)
        kept = tf.cast(_along(keep, found, layer), found.dtype)
        return found * kept + (1 - kept) * tf.cast(_along(value, found, layer), found.dtype)

    with replaced(layer, hold):
        return run_model(model, as_input(model, x, np.asarray(rows)), training=False)


def _along(values: np.ndarray, found: Any, layer: Any) -> np.ndarray:
    """Values (u,) of the units, or (b, u) of each item, shaped so that they lie along the channels of its outputs."""
    import numpy as np

    own = np.atleast_2d(np.asarray(values, np.float32))
    shape = [1] * len(found.shape)
    shape[0], shape[channels(layer)] = own.shape
    return own.reshape(shape)


def _per_unit(values: np.ndarray, layer: Any) -> np.ndarray:
    """(b, u) sums over the positions of (b, ..., u)."""
    import numpy as np

    moved = np.moveaxis(values, channels(layer), -1)
    return moved.reshape(len(moved), -1, moved.shape[-1]).sum(axis=1)
