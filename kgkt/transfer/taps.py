"""Reading what flows through B's layers, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.transfer.inputs import by_name, input_names

if TYPE_CHECKING:
    import keras
    import numpy as np


def tapped(
    model: keras.Model, layer: Any, x: Any, rows: np.ndarray, *, side: str, batch: int = 512
) -> Iterator[list[np.ndarray]]:
    """Yield what goes into, or comes out of, `layer` while B reads the items `rows`.

    The layer's `call` is shadowed while the generator runs. A sub-model would be the usual way, but
    cannot reach into nested models, nor tell that a shared layer is called twice.

    Args:
        model: B.
        layer: any layer inside it.
        x: (n, ...) B's data, or Inputs; only the rows of one batch are read at a time.
        rows: (r,) item index.
        side: "input" or "output".
        batch: items a batch.

    Returns:
        For each batch a list with one float32 array (b, ...) for each time the layer is called.
    """
    import numpy as np

    original = layer.call
    calls: list[Any] = []

    def record(inputs: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = original(inputs, *args, **kwargs)
        calls.append(inputs if side == "input" else outputs)
        return outputs

    layer.call = record
    try:
        for start in range(0, len(rows), batch):
            calls.clear()
            run_model(model, as_input(model, x, rows[start : start + batch]), training=False)
            yield [np.asarray(call, dtype=np.float32) for call in calls]
    finally:
        del layer.call


def as_input(model: keras.Model, x: Any, rows: np.ndarray) -> list[np.ndarray]:
    """The items `rows` of `x`, an array for each of B's inputs."""
    arrays = by_name(x)
    names = input_names(model) if len(model.inputs) > 1 else arrays
    return [_as_read(tensor, arrays[name], rows) for tensor, name in zip(model.inputs, names, strict=True)]


def _as_read(tensor: Any, x: Any, rows: np.ndarray) -> np.ndarray:
    """In the dtype that an input of B has; texts get the axis of one that it may want, and so do lone numbers."""
    import numpy as np

    read = np.asarray(x[rows], dtype=object if tensor.dtype == "string" else tensor.dtype)
    return read[..., np.newaxis] if len(x.shape) == 1 and tuple(tensor.shape[1:]) == (1,) else read


def run_model(model: keras.Model, inputs: Sequence[Any], *, training: bool) -> Any:
    """B's one output tensor for a tensor of each of its inputs, whether B declares them bare, in lists or in dicts."""
    import keras

    bare = isinstance(model, keras.Sequential)
    inputs = inputs[0] if bare else keras.tree.pack_sequence_as(model.input, list(inputs))
    return keras.tree.flatten(model(inputs, training=training))[0]
