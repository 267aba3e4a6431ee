"""The Embedding layers of B: which there are, whether their rows can be written, whether anything trained them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count, nearest
from kgkt.lookup import is_graph
from kgkt.transfer.inner import inner_layers

if TYPE_CHECKING:
    import numpy as np

DRAWN = 20_000  # numbers of an Embedding that are held against as many of a fresh start
APART = 0.04  # difference of two distributions up to which one is held for a fresh start; of few numbers BY_CHANCE
BY_CHANCE = 2.76  # over the root of how many there are: a difference that two such draws have in 1 of 1,000


def embeddings_of(model: Any) -> dict[str, Any]:
    """The Embedding layers of a model by their paths, `outer/inner` inside of others, as they are held."""
    import keras

    found: dict[str, Any] = {}
    for path, layer in held_layers(model):
        if isinstance(layer, keras.layers.Embedding) and layer not in found.values():
            found[path] = layer
    return found


def held_layers(model: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every layer that a model holds, with its path; those of nested models and of classes of one's own too."""
    for name, layer in ((one.name, one) for one in model.layers) if is_graph(model) else inner_layers(model):
        yield prefix + name, layer
        yield from held_layers(layer, f"{prefix}{name}/")


def need_embedding(model: Any, name: str | None, file: str = "B") -> tuple[str, Any]:
    """The Embedding layer of that path or name; the only one where none is named.

    Raises:
        InputError: B has none, or none of that name; its rows are quantised, or a sum with LoRA's.
        UsageError: several, and none is named.
    """
    found = embeddings_of(model)
    held = [] if found else [path for path, _ in held_layers(model)]
    path = choose_embedding({path: int(layer.input_dim) for path, layer in found.items()}, held, name, file)
    chosen = found[path]
    if getattr(chosen, "quantization_mode", None):
        raise InputError(f"{file}: {path} is quantised, whole rows cannot be written into it: write them before it is "
                         "quantised")
    if getattr(chosen, "lora_enabled", False):
        raise InputError(f"{file}: {path} has LoRA weights beside its own, and its rows are sums of both: build B "
                         "without lora_rank, and write its rows before LoRA is enabled")
    return path, chosen


def choose_embedding(rows: Mapping[str, int | None], held: Sequence[str], name: str | None, file: str) -> str:
    """The path of the Embedding that is named, or of the only one.

    Args:
        rows: path -> how many rows, None where that is not known.
        held: paths of what B holds, to be told where it has no Embedding.
        name: a path, or the last part of one.
        file: name of B.

    Raises:
        InputError: B has none, or none of that name. UsageError: several, and none is named.
    """
    if not rows:
        raise InputError(f"{file} has no Embedding layer: there are no rows to write. Its layers are "
                         f"{', '.join(held) or 'none'}")
    if name is None and len(rows) > 1:
        listed = ", ".join(f"{path} ({count(n, 'row')})" if n else path for path, n in rows.items())
        raise UsageError(f"{file} has {len(rows)} Embedding layers ({listed}): which one? --layer NAME")
    if name is None or name in rows:
        return next(iter(rows)) if name is None else name
    chosen = next((path for path in rows if path.split("/")[-1] == name), None)
    if chosen is None:
        raise InputError(f"{file} has no Embedding layer {name!r}{nearest(name, rows)}")
    return chosen


def shared_with(model: Any, layer: Any) -> list[str]:
    """Names of what else computes with an Embedding's rows: its own reverse, or layers that hold the same layer."""
    reverse = type(layer).__name__ == "ReversibleEmbedding" and getattr(layer, "tie_weights", False)
    holders = [one for one in model._flatten_layers() if any(
        held is layer for held in one._flatten_layers(include_self=False, recursive=False))]
    others = [one.name for one in holders if one is not model and not is_graph(one)]
    several = others if len(holders) > 1 else []
    return [*(["the output, which it makes in reverse"] if reverse else []), *several]


def rows_of(layer: Any) -> np.ndarray:
    """(rows, width) float32, the rows of an Embedding."""
    import numpy as np

    return np.asarray(layer.embeddings.numpy(), np.float32)


def learned_rows(layer: Any, seed: int = 0) -> np.ndarray:
    """(rows,) bool: which rows of an Embedding something trained, or put there.

    All are fresh where the layer's numbers are distributed as those that its own initializer draws, by the largest
    difference of the two distributions (Kolmogorov-Smirnov). Else those are fresh whose largest number is no larger
    than any that it draws, and whose length is no larger than that of its longest row of as many.

    Args:
        layer: built.
        seed: of what is drawn.
    """
    import numpy as np
    from scipy.stats import ks_2samp

    rows = rows_of(layer)
    fresh = fresh_rows(layer, seed)
    draw = np.random.default_rng(seed)
    ours, theirs = (draw.choice(part.ravel(), min(DRAWN, part.size), replace=False) for part in (rows, fresh))
    if ks_2samp(ours, theirs, method="asymp").statistic <= max(APART, BY_CHANCE * len(ours) ** -0.5):
        return np.zeros(len(rows), bool)
    longest, largest = np.linalg.norm(fresh, axis=1).max(), np.abs(fresh).max()
    return (np.linalg.norm(rows, axis=1) > longest) | (np.abs(rows).max(axis=1) > largest)


def fresh_rows(layer: Any, seed: int = 0) -> np.ndarray:
    """(rows, width) float32 as the layer's own initializer draws them."""
    import keras
    import numpy as np

    initializer = layer.embeddings_initializer
    config = dict(initializer.get_config())
    if "seed" in config:
        config["seed"] = seed + 1
        initializer = type(initializer).from_config(config)
    drawn = keras.ops.convert_to_numpy(initializer(tuple(layer.embeddings.shape)))
    return np.asarray(drawn, np.float32)
