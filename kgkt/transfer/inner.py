"""The layers inside of a layer: of a wrapper of Keras, and of a class of the user's own, found by running it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from kgkt.transfer.kernels import kernel_of

_found: weakref.WeakKeyDictionary[Any, dict[tuple[int, ...] | None, tuple[Any, bool]]] = weakref.WeakKeyDictionary()


def inner_layers(layer: Any) -> list[tuple[str, Any]]:
    """The layers that a layer holds itself, each with its name there; none where it is one that has blocks.

    In a wrapper of Keras they are called by their own names, which its file keeps. In a class of the user's own by the
    attribute that holds them, `hidden` or `blocks/0`: names that Keras gives by itself change with each load.
    """
    import keras

    kinds = keras.layers
    if kernel_of(layer) is not None:
        return []
    held = list(layer._flatten_layers(include_self=False, recursive=False))
    if isinstance(layer, kinds.Wrapper | kinds.Bidirectional | kinds.RNN | kinds.StackedRNNCells | kinds.Pipeline):
        return [(inner.name, inner) for inner in held]
    if not is_own(layer):
        return []
    names = {id(inner): name for name, inner in _attributes(layer)}
    return [(names.get(id(inner), inner.name), inner) for inner in held]


def is_own(layer: Any) -> bool:
    """Whether a layer is of a class that is none of Keras's."""
    return type(layer).__module__.split(".")[0] != "keras"


def _attributes(layer: Any) -> Iterator[tuple[str, Any]]:
    """The layers in the attributes of an object, and in its lists and dicts, by name."""
    import keras

    for name, value in vars(layer).items():
        held = enumerate(value) if isinstance(value, list | tuple) else (
            value.items() if isinstance(value, dict) else ())
        if isinstance(value, keras.Layer):
            yield name.lstrip("_"), value
        elif not name.startswith(("_layers", "_inbound", "_outbound")):
            yield from ((f"{name.lstrip('_')}/{key}", inner) for key, inner in held if isinstance(inner, keras.Layer))


def run_order(
    operation: Any, opened: Callable[[Any], list[tuple[str, Any]]], used: tuple[int, ...] | None = None
) -> tuple[list[tuple[str, Any]], bool]:
    """The innermost layers of a class of the user's own in the order in which they are called.

    The operation is traced once, on its declared inputs and without an item, and what was found is kept.

    Args:
        operation: the layer or model, called in a graph of Keras.
        opened: gives a layer's own layers with their names, none for one that is not opened.
        used: which of its outputs count; all by default. Layers that do not lead to them are left out.

    Returns:
        [(name, layer)], and whether the last one's output is that of the operation.
    """
    if used in (kept := _found.setdefault(operation, {})):
        return kept[used]
    inside = dict(_innermost(operation, opened))
    calls, ends = _trace(operation, list(inside.values()))
    names = {id(layer): name for name, layer in reversed(inside.items())}
    ends = ends if used is None else [ends[i] for i in used]
    leads, graphs = _before(ends), {end.graph for end in ends}
    order: dict[int, Any] = {}
    for layer, outputs in calls:
        if any(id(out) in leads or out.graph not in graphs for out in outputs):  # a loop has a graph of its own
            order.setdefault(id(layer), layer)
    last = next((layer for layer, outputs in reversed(calls) if len(ends) == 1 and any(
        id(out) == id(_bare(ends[0])) for out in map(_bare, outputs))), None)  # fmt: skip
    if last is not None:
        order[id(last)] = order.pop(id(last))
    kept[used] = [(names[key], layer) for key, layer in order.items()], last is not None
    return kept[used]


def _innermost(layer: Any, opened: Callable[[Any], list[tuple[str, Any]]]) -> Iterator[tuple[str, Any]]:
    for name, inner in opened(layer):
        deeper = list(_innermost(inner, opened))
        yield from ((f"{name}/{path}", one) for path, one in deeper) if deeper else ((name, inner),)


def _trace(operation: Any, inside: list[Any]) -> tuple[list[tuple[Any, list[Any]]], list[Any]]:
    """Each call of the layers `inside` with the tensors it gave, and the tensors that the operation gives."""
    import keras
    import tensorflow as tf

    arguments = operation._inbound_nodes[0].arguments
    given = (arguments.args, arguments.kwargs | ({"training": False} if operation._call_has_training_arg else {}))
    symbolic = [part for part in keras.tree.flatten(given) if isinstance(part, keras.KerasTensor)]
    calls: list[tuple[Any, list[Any]]] = []
    ends: list[Any] = []

    def run(*tensors: Any) -> Any:
        rest = iter(tensors)
        args, kwargs = keras.tree.map_structure(
            lambda part: next(rest) if isinstance(part, keras.KerasTensor) else part, given)
        ends.extend(_tensors(operation(*args, **kwargs)))
        return ends

    for layer in inside:
        layer.call = _recording(layer, calls)
    try:
        traced = tf.function(run, autograph=False)
        traced.get_concrete_function(*(tf.TensorSpec(part.shape, part.dtype) for part in symbolic))
    finally:
        for layer in inside:
            del layer.call
    return calls, ends


def _recording(layer: Any, calls: list[tuple[Any, list[Any]]]) -> Callable[..., Any]:
    original = layer.call

    def record(*args: Any, **kwargs: Any) -> Any:
        outputs = original(*args, **kwargs)
        calls.append((layer, _tensors(outputs)))
        return outputs

    return record


def _tensors(value: Any) -> list[Any]:
    import keras
    import tensorflow as tf

    return [part for part in keras.tree.flatten(value) if tf.is_tensor(part)]


def _bare(tensor: Any) -> Any:
    """The tensor that a chain of casts and copies began with."""
    while hasattr(tensor, "op") and tensor.op.type in ("Cast", "Identity"):
        tensor = tensor.op.inputs[0]
    return tensor


def _before(ends: list[Any]) -> set[int]:
    """Every tensor that leads to these, and these, by identity."""
    seen: set[int] = set()
    open_ends = list(ends)
    while open_ends:
        tensor = open_ends.pop()
        if id(tensor) not in seen and hasattr(tensor, "op"):
            seen.add(id(tensor))
            open_ends.extend(tensor.op.inputs)
    return seen
