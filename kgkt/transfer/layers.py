"""The layers of model B, from input to output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.transfer.inner import inner_layers, is_own, run_order

if TYPE_CHECKING:
    import keras


def leaves(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """Yield (path, operation) of B from input to output: nested models, wrappers and classes of the user's own opened.

    The path of a layer inside another is `outer/inner`, so that a name means one layer; a layer that is held twice
    comes once. What does not lead to B's output is left out. Of a class of the user's own the layers come as they are
    called; where its output is made by none of them, it comes last itself. A model that is nothing but such a class
    has the paths of its layers without its name.
    """
    found = list(_leaves(model))
    last = {id(layer): place for place, (_, layer) in enumerate(found)}
    yield from (one for place, one in enumerate(found) if last[id(one[1])] == place)


def _leaves(model: Any) -> Iterator[tuple[str, Any]]:
    import keras

    own = _operations(model)
    bare = [op for op in own if not isinstance(op, keras.layers.InputLayer)]
    for operation in own:
        if isinstance(operation, keras.Sequential) or hasattr(operation, "operations"):
            inner = _towards(operation, model)
        elif isinstance(operation, keras.Layer) and inner_layers(operation):
            inner = iter(_inside(operation, model))
        else:
            yield operation.name, operation
            continue
        prefix = "" if bare == [operation] and is_own(operation) else f"{operation.name}/"
        yield from ((path if layer is operation else prefix + path, layer) for path, layer in inner)


def _operations(model: Any) -> Sequence[Any]:
    import keras

    return list(model.layers if isinstance(model, keras.Sequential) else model.operations)


def _used(operation: Any, model: Any) -> tuple[int, ...] | None:
    """Which outputs of an operation are the model's; None where all are, or none."""
    ends = [t._keras_history for t in getattr(model, "outputs", None) or ()]
    used = tuple(end.tensor_index for end in ends if end.operation is operation)
    return used or None


def _towards(nested: Any, model: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of a nested model; where the model's output is one of its several, those that lead there."""
    import keras

    used = _used(nested, model) if len(nested.outputs) > 1 else None
    return _leaves(nested if used is None else keras.Model(nested.inputs, [nested.outputs[i] for i in used]))


def _inside(operation: Any, model: Any) -> list[tuple[str, Any]]:
    """The leaves of a class of the user's own as they are called; of one inside of a wrapper as it holds them."""
    if not is_own(operation) or not operation._inbound_nodes:
        return [(f"{name}/{path}" if path else name, layer) for name, held in inner_layers(operation)
                for path, layer in (_inside(held, model) if inner_layers(held) else [("", held)])]  # fmt: skip
    order, ends = run_order(operation, _opened, _used(operation, model))
    return order if ends else [*order, (operation.name, operation)]


def _opened(layer: Any) -> list[tuple[str, Any]]:
    """The layers that a layer holds, of a nested model all that it calls."""
    import keras

    if isinstance(layer, keras.Sequential) or hasattr(layer, "operations"):
        return [(op.name, op) for op in _operations(layer) if isinstance(op, keras.Layer)]
    return inner_layers(layer)
