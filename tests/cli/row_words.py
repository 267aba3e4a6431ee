"""A graph of words in clouds, and a B whose Embedding is of words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from kgkt.source.quiet import keras as import_keras

N, WIDTH = 160, 12
WORDS = [f"w{i:03d}" for i in range(N)]
FUSE = ("fuse", "--method", "rows", "--target", "b.keras", "--out", "f.keras", "--force")


def texts_b(path: Path, words: list[str], rows: int | None = None) -> None:
    """A classifier of texts that numbers its words itself."""
    keras = import_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    texts = layers.TextVectorization(output_sequence_length=4, standardize=None, name="texts")
    texts.set_vocabulary(words)
    text = keras.Input((1,), dtype="string")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(rows or len(words) + 2, 8, name="emb")(texts(text)))
    keras.Model(text, layers.Dense(2, activation="softmax", name="out")(x)).save(path)


def save_clouds(path: Path, moved: dict[str, int] | None = None, gone: tuple[str, ...] = ()) -> None:
    """Vectors of the words in 8 clouds, each in that of its number modulo 8, or in another where it moved."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(8, WIDTH)) * 2
    x = centres[np.arange(N) % 8] + draw.normal(size=(N, WIDTH))
    for word, cloud in (moved or {}).items():
        x[WORDS.index(word)] = centres[cloud] + 0.1
    kept = [i for i, word in enumerate(WORDS) if word not in gone]
    np.savez(path, x=x[kept].astype(np.float32), item_id=np.array(WORDS)[kept])


def rows_in(file: str) -> np.ndarray:
    layers = import_keras().models.load_model(file, compile=False).layers
    return np.asarray(next(layer for layer in layers if layer.name == "emb").embeddings.numpy())


def ask(kgkt: Callable[..., Any], text: str, *more: str) -> Any:
    done = kgkt("query", text, *more)
    assert done.code == 0, done.err
    return done.json["rows"]
