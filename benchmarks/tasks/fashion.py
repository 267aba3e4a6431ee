"""Fashion-MNIST, new classes: A learned classes 0-4, the pool and the test are classes 5-9."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from kgkt.source.quiet import keras as import_keras
from tasks.fetch import debian
from tasks.prepared import Prepared, arrays, balanced, folder, model_features

if TYPE_CHECKING:
    import keras
    import numpy as np

NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
LAYERS = ("mid", "emb")
POOL = 1000  # items of a class
EPOCHS = 5


def images(part: str) -> tuple[np.ndarray, np.ndarray]:
    """x (n, 28, 28, 1) float32 from 0 to 1 and y (n,) of "train" (60,000) or "t10k" (10,000)."""
    import numpy as np

    root = debian("dataset-fashion-mnist") / "usr/share/datasets/fashion-mnist"
    with gzip.open(root / f"{part}-images-idx3-ubyte.gz") as file:
        x = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(root / f"{part}-labels-idx1-ubyte.gz") as file:
        y = np.frombuffer(file.read(), np.uint8, offset=8)
    return x.astype(np.float32) / 255, y.astype(np.int64)


def build_a(classes: int, seed: int = 0) -> keras.Model:
    """A: two convolutions of 32 and 64 filters, each pooled, and a Dense of 128; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    image = keras.Input((28, 28, 1), name="image")
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="first")(image)
    x = keras.layers.MaxPooling2D(name="first_pool")(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="mid")(x)
    x = keras.layers.MaxPooling2D(name="mid_pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(128, activation="relu", name="emb")(x)
    x = keras.layers.Dense(classes, activation="softmax", name="out")(x)
    return keras.Model(image, x, name="a")


def train_a(classes: int, rows: slice = slice(None)) -> keras.Model:
    """A trained on the first `classes` classes of the 60,000 training images, or of those in `rows`."""
    x, y = (part[rows] for part in images("train"))
    keep = y < classes
    model = build_a(classes)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[keep], y[keep], batch_size=128, epochs=EPOCHS, verbose=0)
    return model


def build_b(classes: int, seed: int = 0) -> keras.Model:
    """B: Dense 128-64 on the raw pixels; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1), name="image"),
            layers.Flatten(name="flat"),
            layers.Dense(128, activation="relu", name="hidden1"),
            layers.Dense(64, activation="relu", name="hidden2"),
            layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


def prepare() -> Prepared:
    """Pool: 1,000 training images of each class 5-9; test: the 5,000 test images of these classes."""
    import numpy as np

    def make() -> dict[str, np.ndarray]:
        x, y = images("train")
        rng = np.random.default_rng(0)
        rows = rng.permutation(np.concatenate([rng.choice(np.flatnonzero(y == c), POOL, False) for c in range(5, 10)]))
        test_x, test_y = images("t10k")
        new = test_y >= 5
        return {"pool_x": x[rows], "pool_y": y[rows] - 5, "test_x": test_x[new], "test_y": test_y[new] - 5}

    home = folder("fashion")
    data = arrays(home / "data.npz", make)
    features = model_features(home / "features.parquet", home / "a.keras", LAYERS, data["pool_x"], lambda: train_a(5))
    untrained = model_features(
        home / "untrained.parquet", home / "untrained.keras", LAYERS, data["pool_x"], lambda: build_a(5, seed=1)
    )
    return Prepared("fashion", features, untrained, **data, names=NAMES[5:], prior=balanced(5), b=build_b)
