"""Models and data in words, and in fields for programs, as `check` tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.errors import count

if TYPE_CHECKING:
    from kgkt.source.inputs import Data
    from kgkt.source.model_config import Shape
    from kgkt.source.models import ModelInfo

MOST_LAYERS = 12  # shown


def layers_in_words(info: ModelInfo) -> str:
    """A model file by its layers: what can be read of A."""
    own = [(name, shape) for name, shape in info.layers.items() if info.classes[name] != "InputLayer"]
    shown = [f"{name} {in_words(shape)}" for name, shape in own]
    more = f"  … {len(shown)} in all" if len(shown) > MOST_LAYERS else ""
    return _model(info, "layers: " + "  ".join(shown[:MOST_LAYERS]) + more)


def outputs_in_words(info: ModelInfo) -> str:
    """A model file by its outputs: what B answers."""
    outputs = "unknown outputs" if info.outputs is None else count(info.outputs, "output")
    return _model(info, f"{outputs}, {info.last_activation or 'activation unknown'}")


def _model(info: ModelInfo, what: str) -> str:
    weights = f"{info.n_weights:,} weights" if info.n_weights is not None else "weights not counted"
    return f"{info.kind}, {weights}   {what}   safe to open: yes"


def model_fields(info: ModelInfo) -> dict[str, Any]:
    """The same for programs."""
    return {
        "kind": "model", "path": str(info.path), "architecture": info.kind, "weights": info.n_weights,
        "input": info.input_shape, "layers": info.layers, "outputs": info.outputs,
        "activation": info.last_activation, "kinds": list(info.classes.values()), "safe": True,
    }  # fmt: skip


def data_in_words(data: Data) -> str:
    """A pool or a test set."""
    shape = "x".join(str(s) for s in data.x.shape[1:])
    holds = f"texts{_column(data)}" if data.kind == "text" else f"items, {shape} {data.x.dtype}   0 bad rows"
    holds = "words" if data.is_words else holds
    return f"{len(data.ids):,} {holds}" + "".join(f"; {notice}" for notice in data.notices)


def _column(data: Data) -> str:
    """Which column the texts are of, where it has not the usual name."""
    read = data.columns
    return f" in the column {read.text}" if read is not None and read.text != "text" else ""


def data_fields(data: Data) -> dict[str, Any]:
    """The same for programs."""
    return {"kind": "data", "items": len(data.ids), "holds": data.kind, "shape": list(data.x.shape[1:]),
            "dtype": str(data.x.dtype), "notices": list(data.notices)}  # fmt: skip


def in_words(shape: Shape | None) -> str:
    """A shape without the batch axis: (28, 28, 1), (any, 64), (?)."""
    return "(?)" if shape is None else "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
