"""Open a Keras model file without running code that it brings, and read its facts without TensorFlow."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, UnsafeError, nearest
from kgkt.files import sha256_file
from kgkt.source.quiet import keras
from kgkt.source.safety import HDF5, check_config, check_weights, read_head, refuse_disguise, refuse_folder, safe_check

Shape = tuple[int | None, ...]
SAME_SHAPE = {"Activation", "Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU", "Dropout", "BatchNormalization",
              "LayerNormalization", "GaussianNoise", "UnitNormalization", "Rescaling", "Normalization"}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a model file says of itself.

    Args:
        path: the file.
        sha256: digest of the file.
        name: of the model.
        kind: "Functional", "Sequential" or a class name.
        n_weights: how many numbers the model learned (None where the file does not tell).
        layers: layer name -> output shape without the batch axis, None where unknown; from input to output.
        classes: layer name -> class name.
        outputs: width of the single output; None for several outputs or an unknown width.
        last_activation: "softmax", "linear", ... of the output layer; None where unknown.
        input_shape: without the batch axis; None for several inputs or an unknown shape.
        keras_version: that wrote the file, "" where it does not say.
        reads_text: whether its input is text.
    """

    path: Path
    sha256: str
    name: str
    kind: str
    n_weights: int | None
    layers: dict[str, Shape | None]
    classes: dict[str, str]
    outputs: int | None
    last_activation: str | None
    input_shape: Shape | None
    keras_version: str
    reads_text: bool


def inspect_model(path: Path | str, imports: Sequence[str] = ()) -> ModelInfo:
    """Read the facts of a `.keras` file from its config, without TensorFlow and without running anything.

    Raises:
        InputError, UnsafeError: as `safe_check`.
    """
    path = Path(path)
    parts = safe_check(path, imports)
    config = parts["config"]
    inner = config.get("config") if isinstance(config.get("config"), dict) else {}
    layers, classes, last = _facts(inner)
    shape = layers.get(last or "")
    return ModelInfo(
        path=path,
        sha256=sha256_file(path),
        name=str(inner.get("name", "model")),
        kind=str(config.get("class_name", "")),
        n_weights=parts["n_weights"],
        layers=layers,
        classes=classes,
        outputs=shape[-1] if shape else None,
        last_activation=_activation(inner, last),
        input_shape=_input_shape(inner),
        keras_version=str(parts["metadata"].get("keras_version", "")),
        reads_text=_reads_text(inner),
    )


def _entries(inner: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The layers of a model's config by name."""
    entries = [e for e in inner.get("layers", []) if isinstance(e, dict) and isinstance(e.get("config"), dict)]
    return {str(e.get("name") or e["config"].get("name", "")): e for e in entries}


def _facts(inner: dict[str, Any]) -> tuple[dict[str, Shape | None], dict[str, str], str | None]:
    """Output shapes, class names (of nested models too, as outer/inner) and the name of the output layer."""
    entries = _entries(inner)
    shapes, classes = _shapes(list(entries), list(entries.values()), inner), {}
    layers: dict[str, Shape | None] = {}
    for name, entry in entries.items():
        layers[name], classes[name] = shapes[name], str(entry.get("class_name"))
        if "layers" in entry["config"]:
            deeper, kinds, end = _facts(entry["config"])
            if end is not None and deeper.get(end) is None:
                deeper[end] = shapes[name]
            layers |= {f"{name}/{key}": shape for key, shape in deeper.items()}
            classes |= {f"{name}/{key}": kind for key, kind in kinds.items()}
    return layers, classes, _output_name(list(entries), inner)


def input_shape(model: Any) -> Shape | None:
    """Shape of the only input of an open model without the batch axis; None for several."""
    inputs: Sequence[Any] = getattr(model, "inputs", None) or ()
    return tuple(inputs[0].shape[1:]) if len(inputs) == 1 else None


def _input_shape(inner: dict[str, Any]) -> Shape | None:
    """Shape of the only input without the batch axis; None for several."""
    entries = list(_entries(inner).values())
    inputs = [e["config"].get("batch_shape") for e in entries if e.get("class_name") == "InputLayer"]
    if not inputs and inner.get("build_input_shape"):
        inputs = [inner["build_input_shape"]]
    if not inputs and entries and "layers" in entries[0]["config"]:
        return _input_shape(entries[0]["config"])
    return tuple(inputs[0][1:]) if len(inputs) == 1 and inputs[0] else None


def _reads_text(inner: dict[str, Any]) -> bool:
    """Whether an input is of text; that of a nested model, where the outer one declares none."""
    entries = list(_entries(inner).values())
    inputs = [e["config"].get("dtype") for e in entries if e.get("class_name") == "InputLayer"]
    if not inputs and entries and "layers" in entries[0]["config"]:
        return _reads_text(entries[0]["config"])
    return "string" in inputs


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
        layers, _, last = _facts(config)
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


def _activation(inner: dict[str, Any], last: str | None) -> str | None:
    """Name of the activation that a model ends with; None where its last layer does not say."""
    entry = _entries(inner).get(last or "")
    if entry is None:
        return None
    if "layers" in entry["config"]:
        return _activation(entry["config"], _output_name(list(_entries(entry["config"])), entry["config"]))
    if entry.get("class_name") == "Softmax":
        return "softmax"
    value = entry["config"].get("activation")
    if isinstance(value, dict):
        name = value.get("config")
        value = name if isinstance(name, str) else value.get("class_name")
    return str(value).lower() if value is not None else None


def layer_by_name(model: Any, name: str) -> Any:
    """The layer `name` of a Keras model, or the name itself of a ModelInfo that has it.

    A layer of a nested model is named outer/inner.

    Raises:
        InputError: no layer of that name (with the nearest ones), or only the beginning of several names.
    """
    if isinstance(model, ModelInfo):
        known: dict[str, Any] = {layer: layer for layer in model.layers}
        where = str(model.path)
    else:
        known = dict(_named_layers(model))
        where = f"model {model.name}"
    if name in known:
        return known[name]
    longer = [layer for layer in known if layer.lower().startswith(name.lower())] if name else []
    if len(longer) > 1:
        raise InputError(f"{where}: layer {name!r} is ambiguous: it could be {', '.join(longer)}")
    raise InputError(f"{where} has no layer {name!r}{nearest(name, known)}")


def _named_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer with its name, those of nested models too."""
    for layer in model.layers:
        yield prefix + layer.name, layer
        if hasattr(layer, "layers"):
            yield from _named_layers(layer, f"{prefix}{layer.name}/")


def open_model(path: Path | str, imports: Sequence[str] = (), allow_legacy: bool = False) -> Any:
    """Open a model file as a Keras model, uncompiled.

    Args:
        path: a `.keras` file, or `.h5` with `allow_legacy`.
        imports: packages that define the model's own layers; they are imported, so that these are registered.
        allow_legacy: read `.h5`, whose safety rests on who made it.

    Raises:
        UnsafeError: the file could run code.
        InputError: missing, damaged, of a Keras version that this one cannot read.
    """
    path = Path(path)
    refuse_folder(path)
    head = read_head(path)
    legacy = allow_legacy and head.startswith(HDF5)
    if legacy:
        version = _check_legacy(path, imports)
    else:
        version = str(safe_check(path, imports)["metadata"].get("keras_version", ""))
        if path.suffix != ".keras":
            raise InputError(f"{path} is a .keras model by its content: give it a name that ends in .keras")
    library = keras()
    for package in imports:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise InputError(f"--import {package}: {error}; install it, or put its folder on PYTHONPATH") from error
    try:
        model = library.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever the layer at fault raised
        here = library.__version__
        versions = f" (written by Keras {version}, read by Keras {here})" if version not in ("", here) else ""
        raise InputError(f"{path} cannot be opened{versions}: {_reason(error)}") from error
    if not model.built:
        raise InputError(f"{path}: the model has no weights yet, because its input shape is unknown; add keras.Input "
                         "as its first layer and save it again")
    return model


def _reason(error: Exception) -> str:
    """The line of a Keras error that says what is wrong: the innermost one, where it quotes others."""
    text = str(error).rpartition("Exception encountered:")[2].partition("Full object config")[0]
    return next((line.strip()[:300] for line in text.splitlines() if line.strip()), type(error).__name__)


def _check_legacy(path: Path, imports: Sequence[str]) -> str:
    """Look at an HDF5 model as far as that goes: its config and its links; return the Keras version."""
    import h5py

    if path.suffix not in {".h5", ".hdf5"}:
        raise UnsafeError(f"{path} is an HDF5 model by its content: give it a name that ends in .h5")
    refuse_disguise(path, read_head(path))
    try:
        with path.open("rb") as raw:
            check_weights(path, raw)
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise InputError(f"{path} holds weights without a model: save the whole model as .keras")
            check_config(path, json.loads(file.attrs["model_config"]), imports)
            return str(file.attrs.get("keras_version", ""))
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{path} is truncated or damaged ({error})") from error
