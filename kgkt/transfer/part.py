"""What of B is taught: all of it, or the part that leads to one of its outputs, as a model that shares its weights."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count, nearest
from kgkt.transfer.inputs import shape_in_words

if TYPE_CHECKING:
    import keras

Named = dict[str, Any]


def part_to_teach(whole: keras.Model, output: str | None = None, file: str = "B") -> tuple[keras.Model, list[str]]:
    """The part of B that leads to one output.

    Args:
        whole: B, opened: Sequential, Functional, or of a class of the user's own.
        output: which of its outputs is taught; needed where it has several.
        file: how B is called in a message.

    Returns:
        B itself where that is all of it, else a Functional model with B's inputs and that output, which shares B's
        weights; and the names of the outputs that are not taught.

    Raises:
        InputError: several outputs and none named, or one that B does not have; a class of one's own that does not
            say what it reads, or cannot be traced.
    """
    import keras

    functional = getattr(whole, "inputs", None)
    inputs, outputs = (_inputs(whole), dict(_declared(whole))) if functional else _traced(whole, file)
    listed = ", ".join(f"{name} {shape_in_words(tensor.shape[1:])}" for name, tensor in outputs.items())
    if output is None and len(outputs) > 1:
        raise InputError(f"{file} has {count(len(outputs), 'output')} ({listed}): say which one is taught, with "
                         "--output NAME or output in [target] of kgkt.toml")
    name = output or next(iter(outputs))
    if name not in outputs:
        raise InputError(f"{file} has no output {name!r}{nearest(name, outputs)}; it gives {listed}")
    if functional and len(outputs) == 1 and isinstance(_outputs(whole), keras.KerasTensor):
        return whole, []
    return keras.Model(inputs, outputs[name], name=whole.name), [other for other in outputs if other != name]


def _inputs(whole: Any) -> Any:
    """The inputs of a Sequential or Functional model as they are declared: bare, in a list or in a dict."""
    import keras

    return whole.inputs[0] if isinstance(whole, keras.Sequential) else whole.input


def _outputs(whole: Any) -> Any:
    import keras

    return whole.outputs[0] if isinstance(whole, keras.Sequential) else whole.output


def _declared(whole: Any) -> Iterator[tuple[str, Any]]:
    """The outputs of a Sequential or Functional model by name: their keys, else the layers that make them."""
    declared = _outputs(whole)
    if isinstance(declared, dict) and len(declared) == len(whole.outputs):
        yield from declared.items()
        return
    names = []
    for tensor in whole.outputs:
        made = tensor._keras_history
        inner = getattr(made.operation, "output_names", ())
        names.append(f"{made.operation.name}/{inner[made.tensor_index]}" if len(inner) > 1 else made.operation.name)
    for place, (name, tensor) in enumerate(zip(names, whole.outputs, strict=True)):
        yield (name if names.count(name) == 1 else f"{name}_{place}"), tensor


def _traced(whole: Any, file: str) -> tuple[Any, Named]:
    """Inputs as they were when the model was saved, and the outputs that it gives for them."""
    import keras

    kind, own = type(whole).__name__, isinstance(whole, keras.Sequential)
    shapes = {} if own else whole.get_build_config() or {}
    if not {"input_shape", "shapes_dict"} & shapes.keys():
        how = "begin it with keras.Input" if own else "call it once on a batch of items, then save it again"
        raise InputError(f"{file} is a {kind} that does not say what it reads: {how}")
    first = ""
    for dtype in ("float32", "string"):  # the file does not say which
        try:
            inputs, given = _symbolic(shapes, dtype)
            outputs = whole(**given) if "shapes_dict" in shapes else whole(given)
            return inputs, _of_class(outputs)
        except Exception as error:  # whatever the user's code raises on symbolic tensors
            first = first or _reason(error)
    raise InputError(f"{file} is a {kind} that cannot be traced: {first}\n"
                     "Build it with keras.Input and keras.Model, or mend its call")


def _reason(error: Exception) -> str:
    """The line of an error that says what is wrong: not that in which Keras says where."""
    plain = re.sub("\x1b\\[[0-9;]*m", "", str(error)).rpartition("Error encountered:")[2]
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    return next((line[:300] for line in lines if not line.startswith("Exception encountered")), type(error).__name__)


def _symbolic(shapes: Mapping[str, Any], dtype: str) -> tuple[Any, Any]:
    """The inputs by name or bare, and the same as the model takes them: a tensor, a list, a dict, or keywords."""
    import keras

    def tensor(name: str, shape: Any) -> Any:
        return keras.Input(batch_shape=(None, *shape[1:]), dtype=dtype, name=name)

    if "shapes_dict" in shapes:
        named = {key.removesuffix("_shape"): shape for key, shape in shapes["shapes_dict"].items()}
        inputs = {name: tensor(name, shape) for name, shape in named.items()}
        return inputs, inputs
    shape = shapes["input_shape"]
    if isinstance(shape, Mapping):
        inputs = {name: tensor(name, one) for name, one in shape.items()}
        return inputs, inputs
    if any(isinstance(size, list | tuple) for size in shape):
        several = [tensor(f"input_{i}", one) for i, one in enumerate(shape)]
        return several, several
    one = tensor("inputs", shape)
    return one, one


def _of_class(outputs: Any) -> Named:
    """The outputs of a class of one's own: by key, else by number."""
    import keras

    if isinstance(outputs, Mapping):
        return dict(outputs)
    return {str(i): tensor for i, tensor in enumerate(keras.tree.flatten(outputs))}
