"""BatchNorm statistics of a trained B, estimated on the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.transfer.blocks import leaves
from kgkt.transfer.taps import tapped

if TYPE_CHECKING:
    import keras
    import numpy as np


def reestimate(model: keras.Model, x: Any, rows: np.ndarray) -> int:
    """Re-estimate the statistics of B's BatchNorm layers on the items `rows`, input to output.

    Frozen layers, and layers called more than once, keep theirs.

    Returns:
        The number of layers re-estimated.

    Reference: Ioffe and Szegedy 2015, section 3.1 (population statistics).
    """
    import keras
    import numpy as np

    done = 0
    for _, layer in leaves(model):
        if not isinstance(layer, keras.layers.BatchNormalization) or not layer.trainable:
            continue
        count, total, square = 0, 0.0, 0.0
        for calls in tapped(model, layer, x, rows, side="input"):
            if len(calls) != 1:
                break
            axes = tuple(a for a in range(calls[0].ndim) if a != layer.axis % calls[0].ndim)
            values = calls[0].astype(np.float64)
            count += values.size // values.shape[layer.axis]
            total, square = total + values.sum(axis=axes), square + (values**2).sum(axis=axes)
        else:
            mean = total / count
            layer.moving_mean.assign(mean)
            layer.moving_variance.assign(np.maximum(square / count - mean**2, 0.0))
            done += 1
    return done
