"""The demo's digits: A learned 800 digits of all ten classes, its head withheld; split and A of seed 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kgkt.demo import digits
from tasks.prepared import Prepared, array_features, balanced, folder

if TYPE_CHECKING:
    import numpy as np


def prepare() -> Prepared:
    """Pool: 600 digits; test: the 397 that neither A nor the pool has."""
    split = digits.make_split(0)
    home = folder("digits")

    def trained() -> dict[str, np.ndarray]:
        source = digits.Source()
        source.train(split, 0)
        return source.features(split.pool_x)

    def untrained() -> dict[str, np.ndarray]:
        source = digits.Source()
        source.untrained(1)
        return source.features(split.pool_x)

    return Prepared(
        "digits",
        array_features(home / "features.parquet", trained, "digits A"),
        array_features(home / "untrained.parquet", untrained, "digits A, untrained"),
        split.pool_x, split.pool_y, split.test_x, split.test_y,
        names=tuple(str(digit) for digit in range(digits.N_CLASSES)),
        prior=balanced(digits.N_CLASSES),
        b=digits.build_b,
    )  # fmt: skip
