"""Reading what flows through B's layers, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

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
        x: (n, ...) B's data; only the rows of one batch are read at a time.
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


def as_input(model: keras.Model, x: Any, rows: np.ndarray) -> np.ndarray:
    """The items `rows` of `x` in the dtype that B reads; texts get the axis of one that B may want."""
    import numpy as np

    dtype = model.inputs[0].dtype
    if dtype != "string":
        return np.asarray(x[rows], dtype=dtype)
    texts = np.asarray(x[rows], dtype=object)
    return texts[..., np.newaxis] if model.input_shape[1:] == (1,) and x.ndim == 1 else texts


def run_model(model: keras.Model, x: Any, *, training: bool) -> Any:
    """B's one output tensor for its one input tensor, whether B declares them bare, in lists or in dicts."""
    import keras

    bare = isinstance(model, keras.Sequential)
    inputs = x if bare else keras.tree.pack_sequence_as(model.input, [x])
    return keras.tree.flatten(model(inputs, training=training))[0]
