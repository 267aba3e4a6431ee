"""Features of a pool that changed: what is known is copied, the rest A reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kgkt.recipe import SourceSettings
from kgkt.rundir import features as room
from kgkt.rundir.features import extract_missing
from kgkt.source import parquet
from kgkt.source.arrays import rows_of
from kgkt.source.contents import data_contents, take
from kgkt.source.inputs import Data, read_data
from kgkt.source.keras_model import KerasModel
from kgkt.source.parquet import open_features
from kgkt.values import Features


@pytest.fixture(scope="module")
def source(model_a: Path, pool_npz: Path) -> KerasModel:
    return KerasModel(SourceSettings(model=str(model_a), layers=("mid", "emb"), data=str(pool_npz)))


@pytest.fixture(scope="module")
def pool(pool_npz: Path) -> Data:
    return read_data(pool_npz)


@pytest.fixture(scope="module")
def whole(source: KerasModel, pool: Data, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features of the whole pool, read in one go."""
    path = tmp_path_factory.mktemp("whole") / "features.parquet"
    source.extract(pool, path)
    return path


@pytest.mark.parametrize("how", ["appended", "shuffled", "shrunk", "same"])
def test_what_is_known_is_copied_and_the_rest_is_read(
    source: KerasModel, pool: Data, whole: Path, tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "GATHER_BYTES", 50_000)  # several parts: 22 items each
    order = np.random.default_rng(0).permutation(600)
    known = {"appended": np.arange(550), "shuffled": order[:550], "shrunk": np.arange(600), "same": np.arange(600)}[how]
    wanted = {"appended": np.arange(600), "shuffled": order[::-1], "shrunk": order[:100], "same": np.arange(600)}[how]
    out = tmp_path / "features.parquet"
    source.extract(take(pool, known), out)
    old = open_features(out)
    new = take(pool, wanted)
    rows = rows_of(data_contents(take(pool, known)), data_contents(new))
    assert int((rows < 0).sum()) == {"appended": 50, "shuffled": 50, "shrunk": 0, "same": 0}[how]
    read: list[int] = []
    before = {layer: old.rows(layer, np.arange(len(known))) for layer in old.layers}
    made = extract_missing(source, new, rows, old, out, read.append)
    assert sum(read) == int((rows < 0).sum())
    assert made.ids.tolist() == new.ids.tolist()
    assert made.meta.items() >= {"source": "a.keras", "pixels": "raw"}.items()
    truth = open_features(whole)
    for layer in ("mid", "emb"):
        values = made.rows(layer, np.arange(len(wanted)))
        np.testing.assert_array_equal(values[rows >= 0], before[layer][rows[rows >= 0]])
        np.testing.assert_allclose(values, truth.rows(layer, wanted), rtol=1e-4, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["features.parquet"]


def test_a_content_that_comes_twice_is_known_by_its_last_row() -> None:
    assert rows_of([b"a", b"b", b"a"], [b"b", b"c", b"a"]).tolist() == [1, -1, 2]
    assert rows_of([], [b"a"]).tolist() == [-1]


def test_rows_of_several_groups_are_read_from_these_alone(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = open_features(whole)
    emb = truth.rows("emb", np.arange(600))
    parts = [(truth.ids[i : i + 50], {"emb": emb[i : i + 50]}) for i in range(0, 600, 50)]
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1)
    made = parquet.write_features(tmp_path / "groups.parquet", {"emb": 32}, iter(parts), {})
    rng = np.random.default_rng(0)
    for index in (rng.integers(0, 600, 90), np.array([599, 0, 599]), np.array([120]), np.zeros(0, int), np.arange(600)):
        np.testing.assert_array_equal(made.rows("emb", index), emb[index])
    seen: list[list[int] | None] = []
    batches = Features.batches

    def noted(self: Features, layer: str, size: int = 8192, groups: list[int] | None = None) -> Iterator[np.ndarray]:
        seen.append(groups)
        return batches(self, layer, size, groups)

    monkeypatch.setattr(Features, "batches", noted)
    made.rows("emb", np.array([555, 101, 149]))
    assert seen == [[2, 11]]
