"""Open a Keras model file without running code that it brings, and read its facts without TensorFlow."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, UnsafeError, nearest
from kgkt.files import sha256_file
from kgkt.source.model_config import (
    Shape,
    config_input_shape,
    config_inputs,
    config_outputs,
    config_reads_text,
    last_activation,
    layer_facts,
)
from kgkt.source.quiet import keras
from kgkt.source.safety import HDF5, check_config, check_weights, read_head, refuse_disguise, refuse_folder, safe_check


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
        inputs: name of each declared input -> whether it is text; empty where none is declared by name.
        several_outputs: whether it gives more than one.
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
    inputs: dict[str, bool]
    several_outputs: bool


def inspect_model(path: Path | str, imports: Sequence[str] = ()) -> ModelInfo:
    """Read the facts of a `.keras` file from its config, without TensorFlow and without running anything.

    Raises:
        InputError, UnsafeError: as `safe_check`.
    """
    path = Path(path)
    parts = safe_check(path, imports)
    config = parts["config"]
    inner = config.get("config") if isinstance(config.get("config"), dict) else {}
    layers, classes, last = layer_facts(inner)
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
        last_activation=last_activation(inner, last),
        input_shape=config_input_shape(inner),
        keras_version=str(parts["metadata"].get("keras_version", "")),
        reads_text=config_reads_text(inner),
        inputs=config_inputs(inner),
        several_outputs=config_outputs(inner) > 1,
    )


def input_shape(model: Any) -> Shape | None:
    """Shape of the only input of an open model without the batch axis; None for several."""
    inputs: Sequence[Any] = getattr(model, "inputs", None) or ()
    return tuple(inputs[0].shape[1:]) if len(inputs) == 1 else None


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
                         "as its first layer, or call a class of your own once on items, and save it again")
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
