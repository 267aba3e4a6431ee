"""What the config of a Keras model says of it: layers with their shapes, input, output; nothing of it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

Shape = tuple[int | None, ...]
HANDS_ON = {"Activation", "Dropout", "Identity"}  # where they have no activation of their own
SAME_SHAPE = {"Activation", "Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU", "Dropout", "BatchNormalization",
              "LayerNormalization", "GaussianNoise", "UnitNormalization", "Rescaling", "Normalization"}


def _entries(inner: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The layers of a model's config by name."""
    entries = [e for e in inner.get("layers", []) if isinstance(e, dict) and isinstance(e.get("config"), dict)]
    return {str(e.get("name") or e["config"].get("name", "")): e for e in entries}


def layer_facts(inner: dict[str, Any]) -> tuple[dict[str, Shape | None], dict[str, str], str | None]:
    """Output shapes, class names (of nested models too, as outer/inner) and the name of the output layer."""
    entries = _entries(inner)
    shapes, classes = _shapes(list(entries), list(entries.values()), inner), {}
    layers: dict[str, Shape | None] = {}
    for name, entry in entries.items():
        layers[name], classes[name] = shapes[name], str(entry.get("class_name"))
        if "layers" in entry["config"]:
            deeper, kinds, end = layer_facts(entry["config"])
            if end is not None and deeper.get(end) is None:
                deeper[end] = shapes[name]
            layers |= {f"{name}/{key}": shape for key, shape in deeper.items()}
            classes |= {f"{name}/{key}": kind for key, kind in kinds.items()}
    return layers, classes, _output_name(list(entries), inner)


def config_input_shape(inner: dict[str, Any]) -> Shape | None:
    """Shape of the only input without the batch axis; None for several."""
    entries = list(_entries(inner).values())
    inputs = [e["config"].get("batch_shape") for e in entries if e.get("class_name") == "InputLayer"]
    if not inputs and inner.get("build_input_shape"):
        inputs = [inner["build_input_shape"]]
    if not inputs and entries and "layers" in entries[0]["config"]:
        return config_input_shape(entries[0]["config"])
    return tuple(inputs[0][1:]) if len(inputs) == 1 and inputs[0] else None


def config_reads_text(inner: dict[str, Any]) -> bool:
    """Whether an input is of text; that of a nested model, where the outer one declares none."""
    entries = list(_entries(inner).values())
    inputs = [e["config"].get("dtype") for e in entries if e.get("class_name") == "InputLayer"]
    if not inputs and entries and "layers" in entries[0]["config"]:
        return config_reads_text(entries[0]["config"])
    return "string" in inputs


def config_inputs(inner: dict[str, Any]) -> dict[str, bool]:
    """The inputs that a functional model declares by name, those of a dict by their keys; whether each is text."""
    dtypes = {name: entry["config"].get("dtype") for name, entry in _entries(inner).items()
              if entry.get("class_name") == "InputLayer"}  # fmt: skip
    declared = inner.get("input_layers")
    if isinstance(declared, dict):
        return {key: dtypes.get(place[0]) == "string" for key, place in sorted(declared.items())}
    return {name: dtype == "string" for name, dtype in dtypes.items()}


def config_outputs(inner: dict[str, Any]) -> int:
    """How many outputs a model's config names; 1 where it names none."""
    out = inner.get("output_layers")
    if isinstance(out, dict):
        return len(out)
    return len(out) if out and isinstance(out[0], list) else 1


def _shapes(names: list[str], entries: list[dict[str, Any]], inner: dict[str, Any]) -> dict[str, Shape | None]:
    """Output shapes: of a functional model from the tensors that later layers take, else from the next layer."""
    known: dict[str, Shape] = {}
    taken: dict[str, Shape] = {}
    for name, entry in zip(names, entries, strict=True):
        for tensor in _tensors(entry.get("inbound_nodes")):
            shape: Shape = tuple(tensor["shape"][1:])
            known.setdefault(tensor["keras_history"][0], shape)
            taken.setdefault(name, shape)
    before: Shape | None = None
    for i, (name, entry) in enumerate(zip(names, entries, strict=True)):
        if entry.get("class_name") == "InputLayer" and entry["config"].get("batch_shape"):
            known.setdefault(name, tuple(entry["config"]["batch_shape"][1:]))
        elif "input_layers" not in inner:  # a Sequential: what a layer gives is what the next one was built for
            built = (entry.get("build_config") or {}).get("input_shape")
            came = tuple(built[1:]) if built else before
            following = (entries[i + 1].get("build_config") or {}).get("input_shape") if i + 1 < len(entries) else None
            gives = tuple(following[1:]) if following else _after(entry, came)
            if gives is not None:
                known.setdefault(name, gives)
        elif name not in known:
            gives = _after(entry, taken.get(name))
            if gives is not None:
                known[name] = gives
        before = known.get(name)
    return {name: known.get(name) for name in names}


def _tensors(value: Any) -> Iterator[dict[str, Any]]:
    """The symbolic tensors inside the inbound nodes of a layer."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            yield value["config"]
        else:
            for part in value.values():
                yield from _tensors(part)
    elif isinstance(value, list):
        for part in value:
            yield from _tensors(part)


def _after(entry: dict[str, Any], shape: Shape | None) -> Shape | None:
    """Output shape of a common layer from its input shape."""
    kind, config = entry.get("class_name"), entry["config"]
    if "layers" in config:
        layers, _, last = layer_facts(config)
        return layers.get(last or "")
    if shape is None:
        return None
    if kind == "Dense":
        return (*shape[:-1], config["units"])
    if kind in SAME_SHAPE:
        return shape
    if kind == "Flatten" and None not in shape:
        return (math.prod(s for s in shape if s is not None),)
    if kind in {"GlobalAveragePooling2D", "GlobalMaxPooling2D", "GlobalAveragePooling1D", "GlobalMaxPooling1D"}:
        return shape[-1:]
    if kind == "Embedding":
        return (*shape, config["output_dim"])
    if kind in {"LSTM", "GRU", "SimpleRNN"}:
        return (*(shape[:1] if config.get("return_sequences") else ()), config["units"])
    if kind == "Reshape" and None not in shape:
        return _reshaped(shape, config["target_shape"])
    return _slid(str(kind), config, shape)


def _reshaped(shape: Shape, target: Sequence[int]) -> Shape:
    """The target of a Reshape, with its -1 worked out."""
    known = math.prod(size for size in target if size != -1)
    whole = math.prod(size for size in shape if size is not None)
    return tuple(whole // known if size == -1 else size for size in target)


def _slid(kind: str, config: dict[str, Any], shape: Shape) -> Shape | None:
    """Output shape of a convolution or of pooling, channels last."""
    convolves = kind in {"Conv1D", "Conv2D", "Conv3D", "SeparableConv1D", "SeparableConv2D", "DepthwiseConv2D"}
    pools = kind.startswith(("MaxPooling", "AveragePooling"))
    if not (convolves or pools) or config.get("data_format") == "channels_first":
        return None
    sizes: list[int | None] = []
    for axis, size in enumerate(shape[:-1]):
        window = _at(config["kernel_size" if convolves else "pool_size"], axis)
        stride = _at(config.get("strides") or window, axis)
        window = (window - 1) * _at(config.get("dilation_rate") or 1, axis) + 1
        valid = config.get("padding") == "valid"
        sizes.append(None if size is None else -(-(size - window + 1 if valid else size) // stride))
    channels = shape[-1]
    if kind == "DepthwiseConv2D":
        channels = None if channels is None else channels * config.get("depth_multiplier", 1)
    elif convolves:
        channels = config["filters"]
    return (*sizes, channels)


def _at(value: Any, axis: int) -> int:
    return int(value[axis] if isinstance(value, list | tuple) else value)


def _output_name(names: list[str], inner: dict[str, Any]) -> str | None:
    """Name of the only output layer; None for several."""
    out = inner.get("output_layers")
    if out is None:
        return names[-1] if names else None
    if isinstance(out, dict):
        out = list(out.values())
    if out and isinstance(out[0], list):
        out = out[0] if len(out) == 1 else None
    return out[0] if out else None


def last_activation(inner: dict[str, Any], last: str | None) -> str | None:
    """Name of the activation that a model ends with; None where its last layer does not say."""
    entry = _entries(inner).get(last or "")
    if entry is None:
        return None
    if "layers" in entry["config"]:
        return last_activation(entry["config"], _output_name(list(_entries(entry["config"])), entry["config"]))
    if entry.get("class_name") == "Softmax":
        return "softmax"
    value = entry["config"].get("activation")
    if isinstance(value, dict):
        name = value.get("config")
        value = name if isinstance(name, str) else value.get("class_name")
    value = None if value is None else str(value).lower()
    if entry.get("class_name") in HANDS_ON and value in (None, "linear"):  # a cast, at the end of mixed precision
        return last_activation(inner, _before(inner, last)) or value
    return value


def _before(inner: dict[str, Any], name: str | None) -> str | None:
    """Name of the layer whose output the layer `name` takes first."""
    entries = _entries(inner)
    for tensor in _tensors(entries[str(name)].get("inbound_nodes")):
        return str(tensor["keras_history"][0])
    earlier = list(entries)[: list(entries).index(str(name))]
    return earlier[-1] if earlier else None
