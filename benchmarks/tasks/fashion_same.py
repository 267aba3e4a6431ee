"""Fashion-MNIST, the same classes: A learned all ten on pictures that the pool does not have; its head is withheld."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.fashion import LAYERS, NAMES, build_a, build_b, images, train_a
from tasks.prepared import Prepared, arrays, balanced, folder, model_features

if TYPE_CHECKING:
    import numpy as np

POOL = 500  # items of a class
LEARNED = 30_000  # the first training images: A's; the pool comes from the others


def prepare() -> Prepared:
    """Pool: 500 of each class of the training images that A never saw; test: the 10,000 test images."""
    import numpy as np

    classes = len(NAMES)

    def make() -> dict[str, np.ndarray]:
        x, y = (part[LEARNED:] for part in images("train"))
        rng = np.random.default_rng(0)
        chosen = [rng.choice(np.flatnonzero(y == c), POOL, replace=False) for c in range(classes)]
        rows = rng.permutation(np.concatenate(chosen))
        test_x, test_y = images("t10k")
        return {"pool_x": x[rows], "pool_y": y[rows], "test_x": test_x, "test_y": test_y}

    home = folder("fashion_same")
    data = arrays(home / "data.npz", make)
    pictures = data["pool_x"]
    features = model_features(
        home / "features.parquet", home / "a.keras", LAYERS, pictures, lambda: train_a(classes, slice(LEARNED))
    )
    untrained = model_features(
        home / "untrained.parquet", home / "untrained.keras", LAYERS, pictures, lambda: build_a(classes, seed=1)
    )
    return Prepared("fashion_same", features, untrained, **data, names=NAMES, prior=balanced(classes), b=build_b)
