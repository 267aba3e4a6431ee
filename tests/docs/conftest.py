"""The documents of the repository, and a folder as `kgkt demo` leaves it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Once

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def demo_folder(once: Once) -> Path:
    """The files of `kgkt demo` (A, B, pool, test, truth), made by the demo's own functions; no graph yet."""
    return once("demo", make_demo)


def make_demo(folder: Path) -> None:
    from kgkt.source.quiet import keras

    keras()
    from kgkt.demo import digits

    split = digits.make_split(0)
    source = digits.Source()
    source.train(split, 0)
    source.model.save(folder / "a.keras")
    digits.build_b().save(folder / "b.keras")
    np.savez(folder / "pool.npz", x=split.pool_x, item_id=split.pool_ids)
    np.savez(folder / "test.npz", x=split.test_x, y=split.test_y)
    with (folder / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        rows = zip(split.pool_ids.tolist(), split.pool_y.tolist(), strict=True)
        csv.writer(file).writerows([("item_id", "class"), *rows])
