"""The demo's data and models: scikit-learn's digits, a small CNN as A, a smaller perceptron as B."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kgkt.source.quiet import keras as import_keras
from kgkt.transfer.trainer import Trainer

if TYPE_CHECKING:
    import keras
    import numpy as np

N_CLASSES = 10
A_ITEMS = 800
POOL_ITEMS = 600
A_EPOCHS = 30
A_BATCH = 32
LAYERS = ("mid", "emb")
CONCEPTS = 60
B_STEPS = 400


@dataclass(frozen=True, slots=True)
class Split:
    """One cut of the digits in three; x (n, 8, 8, 1) float32 from 0 to 1, y (n,) int64.

    Args:
        a_x, a_y: what A learns from.
        pool_x, pool_y, pool_ids: the pool; its classes are hidden from everything but the draw of labels.
        test_x, test_y: what B is judged on.
    """

    a_x: np.ndarray
    a_y: np.ndarray
    pool_x: np.ndarray
    pool_y: np.ndarray
    pool_ids: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray


def make_split(seed: int, a_items: int = A_ITEMS, pool_items: int = POOL_ITEMS) -> Split:
    """Shuffle the 1,797 digits with `seed` and cut them: A's items, the pool, the rest for the test."""
    import numpy as np
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x, y = (x.reshape(-1, 8, 8, 1) / 16).astype(np.float32), y.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(x))
    a, pool, test = np.split(order, [a_items, a_items + pool_items])
    ids = np.array([f"digit-{i:04d}" for i in pool])
    return Split(x[a], y[a], x[pool], y[pool], ids, x[test], y[test])


def build_a(seed: int) -> keras.Model:
    """A: two convolutions of 32 and 64 filters, each pooled, and a Dense of 64; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    image = keras.Input((8, 8, 1), name="image")
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="first")(image)
    x = keras.layers.MaxPooling2D(name="first_pool")(x)
    x = keras.layers.Conv2D(64, 3, padding="same", activation="relu", name="mid")(x)
    x = keras.layers.MaxPooling2D(name="mid_pool")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(64, activation="relu", name="emb")(x)
    x = keras.layers.Dense(N_CLASSES, activation="softmax", name="digits")(x)
    return keras.Model(image, x, name="a")


def build_b(classes: int = N_CLASSES, seed: int = 0) -> keras.Model:
    """B: Dense 64-32 on the raw pixels; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            keras.layers.Flatten(name="flat"),
            keras.layers.Dense(64, activation="relu", name="hidden1"),
            keras.layers.Dense(32, activation="relu", name="hidden2"),
            keras.layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


class Source:
    """A, its features and its untrained twin's, compiled once and trained anew on every split.

    Args:
        epochs: of A's training.
    """

    def __init__(self, epochs: int = A_EPOCHS) -> None:
        import tensorflow as tf

        self.model = build_a(0)
        self.epochs = epochs
        self._trainer = Trainer(self.model, batch=A_BATCH)
        taps = import_keras().Model(self.model.input, [self.model.get_layer(name).output for name in LAYERS])
        self._features = tf.function(taps, reduce_retracing=True)

    def untrained(self, seed: int) -> None:
        """Give A the weights that `seed` starts it with."""
        self._trainer.reset(build_a(seed).get_weights())

    def train(self, split: Split, seed: int) -> None:
        """Train A on its items, all ten classes, from the weights that `seed` starts it with."""
        import numpy as np

        self.untrained(seed)
        n = len(split.a_x)
        steps = self.epochs * (n // A_BATCH)
        targets = np.eye(N_CLASSES, dtype=np.float32)[split.a_y]
        self._trainer.train(split.a_x, targets, np.ones(n), steps, seed, every=steps)

    def features(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """A's activations of `x` (n, 8, 8, 1): `mid` (n, 1024), `emb` (n, 64)."""
        return {name: v.numpy().reshape(len(x), -1) for name, v in zip(LAYERS, self._features(x), strict=True)}

    def own_answer(self, x: np.ndarray) -> np.ndarray:
        """(n, 10) probabilities of A's own head; the demo withholds it from every other row."""
        return self._trainer.predict(x)
