"""BatchNorm statistics of a trained B, estimated on the pool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kgkt.errors import count
from kgkt.transfer.layers import leaves
from kgkt.transfer.taps import as_input, run_model

if TYPE_CHECKING:
    import keras
    import numpy as np

BATCH = 512  # items a batch, at most


class _Sums:
    """What one layer read so far: count, sum and sum of squares of each channel; how often it was called."""

    def __init__(self, layer: Any) -> None:
        self.layer, self.call = layer, layer.call
        self.calls, self.count, self.total, self.square = 0, 0, 0.0, 0.0

    def note(self, *args: Any, **kwargs: Any) -> Any:
        """In place of the layer's `call`: count it."""
        self.calls += 1
        return self.call(*args, **kwargs)

    def add(self, inputs: Any, **kwargs: Any) -> Any:
        """In place of the layer's `call`: add what it reads, and normalise it as in training."""
        import numpy as np

        values = np.asarray(inputs, np.float64)
        axes = tuple(a for a in range(values.ndim) if a != self.layer.axis % values.ndim)
        self.count += values.size // values.shape[self.layer.axis]
        self.total, self.square = self.total + values.sum(axis=axes), self.square + (values**2).sum(axis=axes)
        return self.call(inputs, **(kwargs | {"training": True}))

    def assign(self) -> None:
        """Give the layer the statistics of all that it read."""
        import numpy as np

        mean = self.total / self.count
        self.layer.moving_mean.assign(mean)
        self.layer.moving_variance.assign(np.maximum(self.square / self.count - mean**2, 0.0))


def reestimate(model: keras.Model, x: Any, rows: np.ndarray) -> int:
    """Re-estimate the statistics of B's BatchNorm layers on the items `rows`, in one pass over them.

    Each layer normalises a batch by the batch, as in training, so that those behind it read what they will read. Frozen
    layers, and layers called more than once, keep theirs.

    Returns:
        The number of layers re-estimated.

    Reference: Ioffe and Szegedy 2015, section 3.1 (population statistics).
    """
    import keras
    import numpy as np

    found = [_Sums(layer) for _, layer in leaves(model)
             if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]  # fmt: skip
    if found:
        _run(model, x, [rows[:1]], {one.layer: one.note for one in found})
    once = [one for one in found if one.calls == 1]
    if once:
        _run(model, x, np.array_split(rows, -(-len(rows) // BATCH)), {one.layer: one.add for one in once})
    for one in once:
        one.assign()
    return len(once)


@contextmanager
def still_norms(model: keras.Model, say: Callable[[str], None]) -> Iterator[int]:
    """Keep B's BatchNorm layers in inference mode while it is trained, as in fine-tuning; afterwards as they were.

    They normalise by the statistics that B came with, so that B begins exactly where it stood, and `reestimate` leaves
    them alone. Their scales and offsets stay too.

    Args:
        model: B; changed in place, and back.
        say: takes a notice, where there are any.

    Yields:
        The number of layers.
    """
    import keras

    found = [layer for _, layer in leaves(model)
             if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable]  # fmt: skip
    flags = [(variable, variable.trainable) for layer in found for variable in layer.weights]
    if found:
        say(f"{count(len(found), 'BatchNorm layer')} of B in inference mode while it is trained: statistics, scales "
            "and offsets stay as they are, so that B begins where it stood")  # fmt: skip
    try:
        for layer in found:
            layer.trainable = False
        yield len(found)
    finally:
        for layer in found:
            layer.trainable = True
        for variable, flag in flags:
            variable.trainable = flag


def _run(model: Any, x: Any, batches: Sequence[np.ndarray], calls: Mapping[Any, Any]) -> None:
    """Let B read the items, with the `call` of some layers shadowed."""
    try:
        for layer, call in calls.items():
            layer.call = call
        for batch in batches:
            run_model(model, as_input(model, x, batch), training=False)
    finally:
        for layer in calls:
            del layer.call
