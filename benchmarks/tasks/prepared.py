"""What every task gives: its arrays, kept in the cache, and the Task that an evaluation takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.concepts.embed import HEAD_DIMS, fit_embedding
from kgkt.proof.task import Task
from kgkt.proof.view import View, embedded, write_arrays
from kgkt.source.features import extract, open_features
from kgkt.source.inputs import Data
from kgkt.source.models import open_model
from kgkt.source.sentences import extract_sentences
from kgkt.values import Features
from tasks.fetch import cache

if TYPE_CHECKING:
    import keras
    import numpy as np


@dataclass(frozen=True, slots=True)
class Prepared:
    """One task before any label is drawn.

    Args:
        name: of the task.
        features: A's activations of the pool.
        untrained: those of the same architecture with random weights.
        pool_x, test_x: (n, ...) what B reads; the pool also serves as the graph of raw inputs.
        pool_y, test_y: (n,) class indices, known to the judge only.
        names: (c,) classes.
        prior: (c,) class shares if they are stated, else None.
        b: gives an untrained B of (classes, seed).
        text: whether A is a sentence model.
    """

    name: str
    features: Features
    untrained: Features
    pool_x: np.ndarray
    pool_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    names: tuple[str, ...]
    prior: np.ndarray | None
    b: Callable[[int, int], keras.Model]
    text: bool = False


def as_task(prepared: Prepared) -> Task:
    """The task with its three views: through A, through A before its training, through B's own inputs."""
    raw = array_features(
        folder(prepared.name) / "raw.parquet", lambda: {"inputs": prepared.pool_x}, f"inputs of {prepared.name}"
    )
    return Task(
        prepared.name,
        _view(prepared.features, prepared.text),
        prepared.pool_y,
        prepared.names,
        features=prepared.features,
        prior=prepared.prior,
        raw_inputs=_view(raw),
        untrained=_view(prepared.untrained, prepared.text),
        b=partial(prepared.b, len(prepared.names)),
        pool_x=prepared.pool_x,
        test_x=prepared.test_x,
        test_y=prepared.test_y,
        text=prepared.text,
    )


def _view(features: Features, text: bool = False) -> View:
    """Embedding and head features; an evaluation makes the graph, anew for each seed."""
    embedding = fit_embedding(features, head_dims=None if text else HEAD_DIMS)
    return embedded(embedding.vectors, embedding.head)


def folder(task: str) -> Path:
    """The task's folder in the cache."""
    path = cache() / task
    path.mkdir(parents=True, exist_ok=True)
    return path


def arrays(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays of `path` (.npz), made and kept on the first call."""
    import numpy as np

    if not path.exists():
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **make())
        partial.rename(path)
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def model_features(
    path: Path, model: Path, layers: tuple[str, ...], x: np.ndarray, make: Callable[[], Any]
) -> Features:
    """Features of `x` through kgkt's own door: the saved model opened safely, run in batches, written as Parquet.

    Args:
        path: of the features file, kept on the first call.
        model: the `.keras` file, made by `make` on the first call.
        layers: to read.
        x: (n, ...) as the model takes it.
        make: gives the trained (or untrained) Keras model.
    """
    if not model.exists():
        partial = model.with_name(f"partial-{model.name}")
        make().save(partial)
        partial.rename(model)
    if not path.exists():
        data = Data(item_ids(len(x)), x, None, None, None, "array", "")
        extract(open_model(model), layers, data, path, batch=64, source=model.name)
    return open_features(path)


def text_features(path: Path, model: Path, texts: np.ndarray, seed: int | None = None) -> Features:
    """Vectors of (n,) texts through kgkt's own door for sentence models, kept on the first call.

    Args:
        path: of the features file.
        model: folder of the sentence model.
        texts: of the pool.
        seed: of an untrained copy; None for the trained model.
    """
    if not path.exists():
        data = Data(item_ids(len(texts)), texts.astype(object), None, None, texts.tolist(), "text", "")
        extract_sentences(model, data, path, seed=seed)
    return open_features(path)


def array_features(path: Path, layers: Callable[[], dict[str, np.ndarray]], source: str) -> Features:
    """Features computed by the task itself, kept on the first call."""
    if not path.exists():
        made = layers()
        write_arrays(path, item_ids(len(next(iter(made.values())))), made, source)
    return open_features(path)


def item_ids(n: int) -> np.ndarray:
    """(n,) ids by position."""
    import numpy as np

    return np.array([f"item-{i:05d}" for i in range(n)])


def balanced(classes: int) -> np.ndarray:
    """The stated prior of a balanced pool."""
    import numpy as np

    return np.full(classes, 1 / classes)
