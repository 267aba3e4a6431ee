"""Where the outputs of one of B's layers go: which layers read them, through which they pass, in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError

if TYPE_CHECKING:
    import keras

# Layers and functions that treat every channel alike and by itself, so that more of them change none of the others.
PASSES = frozenset(
    ["Dropout", "GaussianDropout", "GaussianNoise", "AlphaDropout", "Identity", "ActivityRegularization"]
    + [f"SpatialDropout{d}D" for d in (1, 2, 3)]
    + ["ReLU", "LeakyReLU", "ELU", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Gelu", "Silu", "Tanh", "Sigmoid"]
    + [f"{kind}{d}D" for d in (1, 2, 3) for kind in (
        "MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling", "UpSampling", "ZeroPadding",
        "Cropping")]
)  # fmt: skip
BY_ITSELF = frozenset(
    ["linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "tanh",
     "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "softplus", "softsign", "exponential"]
)  # fmt: skip


Tensor = tuple[str, int]  # the call of a nested model that it is in, and its id


@dataclass(frozen=True, slots=True)
class Call:
    """One time that a layer is called.

    Args:
        path: of the layer, as `leaves` has it.
        layer: the layer, or an operation that is none.
        inputs, outputs: the tensors that it reads and gives.
    """

    path: str
    layer: Any
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """A layer whose weights read the outputs of another one, or hold a value for each of them.

    Args:
        path, layer: which.
        repeats: times that the channels stand in its inputs, one after another: those of each place, after a Flatten.
        scales: whether it holds a value for each channel and hands it on, as BatchNormalization.
    """

    path: str
    layer: Any
    repeats: int
    scales: bool


def calls_of(model: keras.Model) -> tuple[list[Call], set[Tensor]]:
    """Every call of B's layers, nested models opened (a tensor at their border is one on both sides), and its outputs.

    Raises:
        InputError: B is no graph of layers.
    """
    same: dict[Tensor, Tensor] = {}
    found = list(_calls(model, "", "", same))

    def known(tensor: Tensor) -> Tensor:
        while tensor in same:
            tensor = same[tensor]
        return tensor

    calls = [Call(c.path, c.layer, tuple(map(known, c.inputs)), tuple(map(known, c.outputs))) for c in found]
    return calls, {known(("", id(tensor))) for tensor in model.outputs}


def _calls(model: Any, prefix: str, scope: str, same: dict[Tensor, Tensor]) -> Iterator[Call]:
    """The calls of a model in one of its own calls; `same` gets the tensors at its nested models' borders."""
    import keras

    graph = model._functional if isinstance(model, keras.Sequential) else model
    if not hasattr(graph, "_nodes_by_depth"):
        raise InputError(f"B is a {type(model).__name__}, whose layers kgkt cannot take apart; it grows Sequential and "
                         "Functional models")
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for number, node in enumerate(graph._nodes_by_depth[depth]):
            inputs = tuple((scope, id(tensor)) for tensor in node.input_tensors)
            outputs = tuple((scope, id(tensor)) for tensor in node.output_tensors)
            if isinstance(node.operation, keras.Sequential) or hasattr(node.operation, "operations"):
                inner, within = node.operation, f"{scope}{depth}.{number}/"
                same |= {(within, id(own)): there for own, there in zip(inner.inputs, inputs, strict=True)}
                same |= {there: (within, id(own)) for own, there in zip(inner.outputs, outputs, strict=True)}
                yield from _calls(inner, f"{prefix}{inner.name}/", within, same)
            else:
                yield Call(prefix + node.operation.name, node.operation, inputs, outputs)


def call_of(model: keras.Model, path: str, layer: Any) -> Call:
    """The one call of a layer.

    Raises:
        InputError: it is called several times, also through a nested model that is.
    """
    found = [call for call in calls_of(model)[0] if call.layer is layer]
    if not found:
        raise InputError(f"{path} is inside of a wrapper or a class of your own: kgkt grows layers that Sequential and "
                         "Functional models call themselves")
    if len(found) != 1:
        raise InputError(f"{path} is shared, called {len(found)} times: what it reads differs from call to call, and "
                         "kgkt grows layers that are called once")
    return found[0]


def readers(model: keras.Model, path: str, layer: Any) -> list[Reader]:
    """The layers that have to grow with a layer, from it to where its outputs are weighed.

    Args:
        model: B.
        path, layer: a layer whose outputs (..., u) have their channels last.

    Raises:
        InputError: its width cannot be carried on: by name, where and why.
    """
    import keras

    calls, ends = calls_of(model)
    found: list[Reader] = []
    todo = [(call_of(model, path, layer), 1)]
    while todo:
        call, repeats = todo.pop(0)
        if ends & set(call.outputs):
            raise InputError(f"{path} gives an output of B: only its head's slots can be more (--grow classes=…)")
        for after in [c for c in calls if set(c.inputs) & set(call.outputs)]:
            kind = type(after.layer).__name__
            if isinstance(after.layer, keras.layers.Dense) or kind in ("Conv1D", "Conv2D", "Conv3D"):
                _check_reader(path, after, calls)
                found.append(Reader(after.path, after.layer, repeats, scales=False))
            elif kind == "BatchNormalization":
                _check_scale(path, after, calls)
                found.append(Reader(after.path, after.layer, repeats, scales=True))
                todo.append((after, repeats))
            else:
                todo.append((after, repeats * _places(path, after)))
    return found


def _check_reader(path: str, after: Call, calls: list[Call]) -> None:
    """Refuse a layer behind the one that grows whose kernel cannot get more inputs."""
    layer = after.layer
    _check_shared(path, after, calls)
    if getattr(layer, "groups", 1) > 1 or getattr(layer, "data_format", None) == "channels_first":
        raise InputError(f"{path} goes into {after.path}, a convolution "
                         + (f"in {layer.groups} groups" if layer.groups > 1 else "with its channels first")
                         + ": kgkt widens plain ones with their channels last")  # fmt: skip
    if not (layer.trainable and layer.kernel.trainable):
        raise InputError(f"{path} goes into {after.path}, which is frozen: it would never weigh the new units")


def _check_shared(path: str, after: Call, calls: list[Call]) -> None:
    if sum(call.layer is after.layer for call in calls) > 1:
        raise InputError(f"{path} goes into {after.path}, which is shared: it reads other layers too, and they do not "
                         "grow")


def _check_scale(path: str, after: Call, calls: list[Call]) -> None:
    layer = after.layer
    _check_shared(path, after, calls)
    rank = len(layer.input.shape)
    if layer.axis % rank != rank - 1:
        raise InputError(f"{path} goes into {after.path}, a BatchNormalization over axis {layer.axis}: kgkt carries a "
                         "width through those of the last axis")


def _places(path: str, after: Call) -> int:
    """How many times the channels stand in the outputs of a layer that passes them on, for each time in its inputs.

    Raises:
        InputError: it does not pass them on.
    """
    layer, kind = after.layer, type(after.layer).__name__
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise InputError(f"{path} goes into {after.path} ({kind}) with its channels first: kgkt widens layers with "
                         "their channels last")
    if kind == "Flatten":
        places = layer.input.shape[1:-1]
        if None in places:
            raise InputError(f"{path} goes into {after.path}, a Flatten of a size that is not fixed")
        repeats = 1
        for size in places:
            repeats *= size
        return repeats
    alone = len(after.inputs) == 1
    if alone and kind == "Activation" and _name(layer.activation) in BY_ITSELF:
        return 1
    if alone and kind == "Rescaling" and isinstance(layer.scale, int | float) and isinstance(layer.offset, int | float):
        return 1
    if alone and kind in PASSES:
        return 1
    why = "kgkt cannot tell that it leaves the old units as they are" if alone else "it reads another layer beside it"
    raise InputError(f"{path} goes into {after.path} ({kind}), where its width cannot be carried on: {why}")


def check_own(path: str, layer: Any) -> None:
    """Refuse a layer whose old outputs would change with new ones beside them.

    Raises:
        InputError: an activation over all units, groups, channels first.
    """
    activation = _name(getattr(layer, "activation", None))
    if activation not in BY_ITSELF:
        raise InputError(f"{path} ends in {activation}, which looks at all its units: new ones would change the others")
    if getattr(layer, "groups", 1) > 1:
        raise InputError(f"{path} is a convolution in {layer.groups} groups: kgkt widens plain ones")
    if getattr(layer, "data_format", "channels_last") == "channels_first":
        raise InputError(f"{path} has its channels first: kgkt widens layers with their channels last")


def _name(activation: Any) -> str:
    return "linear" if activation is None else getattr(activation, "__name__", type(activation).__name__)
