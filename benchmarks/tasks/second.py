"""Second tasks: items with other classes than those that a B is taught, of which no label ever spoke."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tasks import emoji, fashion
from tasks.prepared import Prepared

if TYPE_CHECKING:
    import keras
    import numpy as np

FEWEST = 20  # pictures of a subcategory that is asked for


def old_clothes() -> tuple[np.ndarray, np.ndarray]:
    """The 5,000 test images of Fashion-MNIST's classes 0-4, which the pool of `fashion` has none of; A learned them."""
    x, y = fashion.images("t10k")
    return x[y < 5], y[y < 5]


def all_clothes() -> tuple[np.ndarray, np.ndarray]:
    """The 10,000 test images of Fashion-MNIST, of all ten kinds."""
    return fashion.images("t10k")


def coarse(prepared: Prepared) -> Prepared:
    """`fashion_same` with three classes: tops (t-shirt, pullover, dress, coat, shirt), shoes, and the rest."""
    import numpy as np

    groups = {"tops": (0, 2, 3, 4, 6), "shoes": (5, 7, 9), "other": (1, 8)}
    to = np.array([next(i for i, kinds in enumerate(groups.values()) if kind in kinds) for kind in range(10)])
    return replace(prepared, pool_y=to[prepared.pool_y], test_y=to[prepared.test_y], names=tuple(groups), prior=None)


def subcategories() -> tuple[np.ndarray, np.ndarray]:
    """The test pictures of `emoji` by subcategory, of those that have at least 20."""
    import numpy as np

    pictures, kinds, number = emoji.read_pictures()
    many = number.max() + 1
    test = ~np.isin(number, np.random.default_rng(0).permutation(many)[: round(emoji.POOL_SHARE * many)])
    _, y, sizes = np.unique(kinds[test], return_inverse=True, return_counts=True)
    kept = sizes[y] >= FEWEST
    return pictures[test][kept].astype(np.float32) / 255, np.unique(y[kept], return_inverse=True)[1]


def wider(seed: int = 0) -> keras.Model:
    """The B of `fashion` with hidden layers of 512 and 256 in place of 128 and 64; untrained."""
    from kgkt.source.quiet import keras as import_keras

    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential([
        keras.Input((28, 28, 1), name="image"), layers.Flatten(name="flat"),
        layers.Dense(512, activation="relu", name="hidden1"), layers.Dense(256, activation="relu", name="hidden2"),
        layers.Dense(5, activation="softmax", name="out"),
    ], name="b")  # fmt: skip
