"""Digits as a pool seen through their pixels, with a few labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgkt.concepts.propagate import Seeds, make_seeds
from kgkt.demo.comparison import draw_labels
from kgkt.proof.view import View, make_view, write_arrays
from kgkt.values import Labels


@pytest.fixture(scope="session")
def view(digits, tmp_path_factory: pytest.TempPathFactory) -> View:
    """600 digits as their pixels show them, 60 concepts."""
    path: Path = tmp_path_factory.mktemp("view") / "pixels.parquet"
    features = write_arrays(path, digits.pool_ids, {"pixels": digits.pool_x}, "pixels")
    return make_view(features, 60, seed=0)


@pytest.fixture(scope="session")
def labels(digits) -> Labels:
    """Five labels of each digit."""
    return draw_labels(digits.pool_y, 5, np.random.default_rng(0))


@pytest.fixture(scope="session")
def seeds(labels: Labels) -> Seeds:
    return make_seeds(labels)
