"""What the files named in a recipe hold, as `check` tells it: in words, and in fields for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kgkt.errors import count
from kgkt.recipe import Recipe
from kgkt.source.sentence_files import LAYER


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that `check` saw.

    Args:
        what: its name: a file, "plan", "the store", a stage.
        says: of it, in words.
        fields: the same for programs; "kind" says what it is.
    """

    what: str
    says: str
    fields: dict[str, Any] = field(default_factory=dict)


def model_fact(path: Path, recipe: Recipe, show: str) -> tuple[Fact, Any]:
    """What a model file says of itself."""
    from kgkt.source.models import inspect_model

    info = inspect_model(path, (*recipe.source.imports, *recipe.target.imports))
    weights = f"{info.n_weights:,} weights" if info.n_weights is not None else "weights not counted"
    facts = f"{info.kind}, {weights}   "
    if show == "layers":
        own = [(name, shape) for name, shape in info.layers.items() if info.classes[name] != "InputLayer"]
        shown = [f"{name} {in_words(shape)}" for name, shape in own]
        facts += "layers: " + "  ".join(shown[:12]) + (f"  … {len(shown)} in all" if len(shown) > 12 else "")
        for layer in recipe.source.layers:
            from kgkt.source.models import layer_by_name

            layer_by_name(info, layer)
    else:
        outputs = "unknown outputs" if info.outputs is None else count(info.outputs, "output")
        facts += f"{outputs}, {info.last_activation or 'activation unknown'}"
    return Fact(path.name, facts + "   safe to open: yes", {
        "kind": "model", "path": str(path), "architecture": info.kind, "weights": info.n_weights,
        "input": info.input_shape, "layers": info.layers, "outputs": info.outputs,
        "activation": info.last_activation, "safe": True,
    }), info  # fmt: skip


def sentence_fact(path: Path) -> tuple[Fact, Any]:
    """What the folder of a sentence model says of itself."""
    from kgkt.source.sentence_files import inspect_sentences
    from kgkt.source.sentences import need_library

    need_library()
    info = inspect_sentences(path)
    reads = f"texts of up to {info.tokens} tokens" if info.tokens else "texts"
    facts = f"sentence model ({', '.join(info.modules)}), {info.n_weights:,} weights   {reads} to "
    facts += f"{info.width or '?'} numbers   safe to open: yes"
    return Fact(path.absolute().name, facts, {
        "kind": "model", "path": str(path), "architecture": "sentence model", "modules": list(info.modules),
        "weights": info.n_weights, "tokens": info.tokens, "layers": {LAYER: [info.width]}, "safe": True,
    }), info  # fmt: skip


def size_for(recipe: Recipe, info: Any, own: bool = True) -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for a model; `own`: whatever size is asked for A."""
    from kgkt.source.images import picture_size

    shape = getattr(info, "input_shape", None)  # a sentence model has none
    return picture_size(shape, recipe.source.size, "" if own or info is None else f"model {info.path.name}")


def data_fact(path: Path, size: tuple[int, int] | None, drop_bad: bool = False) -> tuple[Fact, Any]:
    """What a pool or test file holds; pictures are brought to `size`, what is broken is left out if `drop_bad`."""
    from kgkt.source.inputs import read_data

    data = read_data(path, drop_bad=drop_bad, size=size)
    shape = "x".join(str(s) for s in data.x.shape[1:])
    facts = f"{len(data.ids):,} " + ("texts" if data.kind == "text" else f"items, {shape} {data.x.dtype}   0 bad rows")
    for notice in data.notices:
        facts += f"; {notice}"
    return Fact(path.name, facts, {
        "kind": "data", "path": str(path), "items": len(data.ids), "holds": data.kind,
        "shape": list(data.x.shape[1:]), "dtype": str(data.x.dtype), "notices": list(data.notices),
    }), data  # fmt: skip


def features_fact(path: Path) -> tuple[Fact, Any]:
    """What a features file holds."""
    from kgkt.source.imported import peek_features

    n, widths = peek_features(path)
    says = f"{count(n, 'item')}, " + " + ".join(f"{layer} {d}" for layer, d in widths.items())
    return Fact(path.name, says, {"kind": "features", "path": str(path), "items": n, "layers": widths}), (n, widths)


def labels_fact(path: Path) -> tuple[Fact, None]:
    """A label file, which is read when it is imported."""
    return Fact(str(path), "labels, imported once for each content", {"kind": "labels", "path": str(path)}), None


def in_words(shape: tuple[int | None, ...] | None) -> str:
    return "(?)" if shape is None else "(" + ", ".join("any" if s is None else str(s) for s in shape) + ")"
