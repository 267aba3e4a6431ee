"""A's activations for every item: computed here in batches, or brought from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, nearest
from kgkt.source.arrays import Progress, pool
from kgkt.source.imported import import_features
from kgkt.source.inputs import Data
from kgkt.source.models import input_shape, layer_by_name
from kgkt.source.parquet import Batch, describe, open_features, write_features
from kgkt.source.pixels import prepare
from kgkt.source.quiet import keras
from kgkt.values import Features

if TYPE_CHECKING:
    import numpy as np

__all__ = ["activations", "check_input", "extract", "import_features", "open_features"]


def check_input(model: str, shape: tuple[int | None, ...] | None, data: Data) -> None:
    """Refuse data that a model cannot take, before any work.

    Args:
        model: what to call the model in the message.
        shape: of its input without the batch axis, None where a size is free; None: several inputs or unknown.
        data: what it is to be given.

    Raises:
        InputError: with both shapes.
    """
    if data.kind == "text":
        raise InputError(f"{model}: the data is text, which kgkt reads with a sentence model only (--model "
                         "sentence-transformers:FOLDER): give one, or features made elsewhere with --features")
    came = tuple(data.x.shape[1:])
    if shape is None:
        raise InputError(f"{model} has several inputs or an unknown input shape: compute features elsewhere and bring "
                         "them with --features")
    if not _fits(shape, came) and not _fits(shape, (*came, 1)):
        free = tuple("any" if s is None else s for s in shape)
        raise InputError(f"{model} takes items of shape {free}, the data has items of shape {came}: reshape the data")


def _fits(shape: tuple[int | None, ...], came: tuple[int, ...]) -> bool:
    return len(shape) == len(came) and all(s is None or s == c for s, c in zip(shape, came, strict=True))


def check_layers(model: str, layers: Sequence[str]) -> None:
    """Refuse layers of which one is named twice."""
    if len(set(layers)) < len(layers):
        raise InputError(f"model {model}: a layer is named twice in {', '.join(layers)}")


def activations(model: Any, layers: Sequence[str]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """A function that gives the pooled activations of some layers for a batch of prepared inputs.

    Args:
        model: a Keras model with one input.
        layers: names of its layers.

    Returns:
        (b, ...) -> {layer: (b, d) float32}.

    Raises:
        InputError: an unknown layer, or one that is used several times or gives several outputs.
    """
    import numpy as np

    if not layers:
        raise InputError(f"model {model.name}: name at least one layer{nearest('', [y.name for y in model.layers])}")
    check_layers(model.name, layers)
    tensors = {name: _tensor(model, name) for name in layers}
    channels_first = {
        name for name, tensor in tensors.items()
        if len(tensor.shape) > 2 and getattr(layer_by_name(model, name), "data_format", "") == "channels_first"
    }
    inner = keras().Model(model.inputs, tensors)

    def run(x: np.ndarray) -> dict[str, np.ndarray]:
        raw = inner.predict_on_batch(x)
        return {name: pool(np.moveaxis(raw[name], 1, -1) if name in channels_first else raw[name]) for name in layers}

    return run


def _tensor(model: Any, name: str) -> Any:
    """What the layer `name` gives inside of the graph of `model`; outer/inner reaches into a nested model."""
    layer = layer_by_name(model, name.partition("/")[0])
    graph = getattr(model, "_functional", None) or model  # a Sequential keeps its graph beside itself
    if not hasattr(graph, "_nodes_by_depth"):
        raise InputError(f"model {model.name} is a class of its own ({type(model).__name__}), whose layers cannot be "
                         "read from outside: compute features elsewhere and bring them with --features")
    nodes = [node for level in graph._nodes_by_depth.values() for node in level if node.operation is layer]
    if len(nodes) != 1:
        raise InputError(f"model {model.name}: layer {layer.name!r} is used {len(nodes)} times, so it has no one "
                         "output: name another layer")
    if "/" in name:
        inner = keras().Model(layer.inputs, _tensor(layer, name.partition("/")[2]))
        return inner(nodes[0].input_tensors if len(layer.inputs) > 1 else nodes[0].input_tensors[0])
    if len(nodes[0].output_tensors) != 1:
        raise InputError(f"model {model.name}: layer {layer.name!r} gives {len(nodes[0].output_tensors)} outputs: name "
                         "another layer")
    return nodes[0].output_tensors[0]


def refuse_not_finite(where: str, values: np.ndarray, ids: np.ndarray, advice: str) -> None:
    """Refuse activations (b, d) that hold NaN or infinity, with how many of the items `ids` (b,) have them."""
    import numpy as np

    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise InputError(f"{where} gives NaN or infinity for {len(bad)} of {len(ids)} items, first for {ids[bad[0]]}: "
                         f"{advice}")


def extract(
    model: Any,
    layers: Sequence[str],
    data: Data,
    out: Path,
    pixels: str = "raw",
    batch: int = 256,
    progress: Progress | None = None,
    source: str = "",
    model_sha256: str = "",
) -> Features:
    """Run A over the pool in batches and write the activations of its layers.

    Args:
        model: A, a Keras model with one input.
        layers: names of its layers.
        data: n items.
        out: the features file to write; it stays as it was if anything fails.
        pixels: the range A was trained on, see `prepare`.
        batch: items a step; memory holds one batch and one row group of the file.
        progress: called with how many more items are done.
        source, model_sha256: A's file name and digest, stored with the features.

    Raises:
        InputError: data that A cannot take, an unknown layer, activations that are not finite.
    """
    import numpy as np

    shape = input_shape(model)
    check_input(f"model {model.name}", shape, data)
    run = activations(model, layers)
    first = run(prepare(data.x[:batch], pixels, shape))
    widths = {name: values.shape[1] for name, values in first.items()}
    for name, width in widths.items():
        if width < 2:
            raise InputError(f"model {model.name}: layer {name!r} gives one number for an item: name a wider one")

    def batches() -> Iterator[Batch]:
        for start in range(0, len(data), batch):
            ids = data.ids[start : start + batch]
            x = prepare(data.x[start : start + batch], pixels, shape) if start else None
            if x is not None and len(x) < batch:  # of one size, so that A is compiled once
                x = np.concatenate([x, np.repeat(x[-1:], batch - len(x), axis=0)])
            arrays = first if x is None else {name: values[: len(ids)] for name, values in run(x).items()}
            for name, values in arrays.items():
                refuse_not_finite(f"model {model.name}: layer {name!r}", values, ids,
                                  "look at its weights and --pixels")
            yield ids, arrays
            if progress:
                progress(len(ids))

    shapes = {name: list(_tensor(model, name).shape[1:]) for name in layers}
    meta = describe(source or model.name, notices=data.notices, pixels=pixels, model_sha256=model_sha256,
                 shapes=json.dumps(shapes))
    return write_features(Path(out), widths, batches(), meta)
