"""predict: items that were never in the pool, by the graph and by B."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import kgkt as package
from kgkt.source.parquet import open_features
from kgkt.transfer.new_items import answer_new, nearest_in_pool, round_new
from tests.cli.conftest import Kgkt


def read(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_new_items_are_as_often_right_as_the_pool(labelled: Path, kgkt: Kgkt, digits: Any, truth: dict[str, str]) -> None:
    assert kgkt("propagate", "--items", "pool.csv").code == 0
    in_pool = np.mean([row["class"] == truth[row["item_id"]] for row in read("pool.csv")])
    done = kgkt("predict", "--data", "test.npz", "--items", "new.csv", "--format", "table")
    assert (done.code, done.err) == (0, "")
    right = float(done.out.split(" % are of the class")[0].split()[-1])
    assert right > 100 * in_pool - 5
    rows = read("new.csv")
    assert len(rows) == len(digits.test_y)
    assert right == pytest.approx(100 * np.mean([int(row["class"]) for row in rows] == digits.test_y), abs=0.05)
    assert list(rows[0]) == ["item_id", "class", "mass", "next_class", "next_mass", "concepts"]
    assert all(float(row["mass"]) >= float(row["next_mass"]) for row in rows)
    assert rows[0]["concepts"].count(";") == 2


def test_the_items_of_the_pool_get_the_answer_that_they_have_there(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("propagate", "--items", "pool.csv")
    kgkt("predict", "--data", "pool.npz", "--items", "again.csv")
    assert [(r["item_id"], r["class"], r["mass"]) for r in read("again.csv")] == [
        (r["item_id"], r["class"], r["mass"]) for r in read("pool.csv")]  # fmt: skip


def test_b_answers_in_place_of_the_graph(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    fused = kgkt("fuse", "--target", "b.keras", "--out", "f.keras", "--test", "test.npz", "--no-map").json
    told = kgkt("predict", "--data", "test.npz", "--model", "f.keras").json
    assert told["right"] == pytest.approx(fused["figures"]["test_fused"])
    assert (told["far"], told["rows"][0][5]) == (None, None)


def test_rows_are_printed_where_no_file_is_asked_for(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    np.savez("few.npz", x=digits.test_x[:3])
    told = kgkt("predict", "--data", "few.npz").json
    assert told["columns"][:3] == ["item", "class", "mass"]
    assert (len(told["rows"]), told["right"]) == (3, None)
    number, name, strength = told["rows"][0][5][0]
    assert (isinstance(number, int), isinstance(name, str), 0 < strength <= 1) == (True, True, True)
    assert kgkt("predict", "--data", "few.npz", "--format", "csv").out.startswith("item,class,mass,next_class,next_mass")


def test_one_new_item_will_do(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    np.savez("three.npz", x=digits.test_x[:3])
    first = kgkt("predict", "--data", "three.npz").json["rows"][0]
    np.save("one.npy", digits.test_x[:1])
    one = kgkt("predict", "--data", "one.npy").json["rows"]
    assert (len(one), one[0][:2], one[0][2]) == (1, first[:2], pytest.approx(first[2], abs=1e-4))
    assert len(kgkt("predict", "--data", "one.npy", "--model", "b.keras").json["rows"]) == 1
    Path("one").mkdir()
    Image.fromarray((255 * digits.test_x[0, ..., 0]).astype(np.uint8)).save("one/digit.png")
    assert [row[0] for row in kgkt("predict", "--data", "one").json["rows"]] == ["digit.png"]
    Path("named.csv").write_text("name,emb0,emb1\na,1,2\n")
    assert "no columns of a layer mid" in kgkt("predict", "--features", "named.csv", "--id-column", "name").err
    done = kgkt("populate", "--model", "a.keras", "--layers", "emb", "--data", "one.npy", "--graph", "one")
    assert (done.code, "one row, shape (1, 8, 8, 1): a graph needs many items" in done.err) == (3, True)


def test_what_is_like_nothing_in_the_pool_is_counted(labelled: Path, kgkt: Kgkt) -> None:
    np.savez("noise.npz", x=np.random.default_rng(0).random((40, 8, 8, 1), np.float32))
    done = kgkt("predict", "--data", "noise.npz")
    assert done.json["far"] > 20
    assert "items lie farther from the pool than 99 of 100 of its items do from one another" in done.err
    assert kgkt("predict", "--data", "test.npz").json["far"] < 0.03 * 597


@pytest.mark.parametrize("times", [0.1, 10])
def test_features_of_another_scale_are_counted(labelled: Path, kgkt: Kgkt, times: float) -> None:
    known = open_features(Path("kgkt-run/main/features.parquet"))
    rows = {layer: known.rows(layer, np.arange(100)) for layer in known.layers}
    np.savez("same.npz", **rows)
    assert kgkt("predict", "--features", "same.npz").json["far"] <= 3
    np.savez("scaled.npz", **{layer: times * (V - V.mean(axis=0)) + V.mean(axis=0) for layer, V in rows.items()})
    done = kgkt("predict", "--features", "scaled.npz")
    assert done.json["far"] > 90
    assert "by their scale (are features scaled as the pool's are?)" in done.err
    Path("kgkt-run/main/features.parquet").unlink()
    assert "by their scale" not in kgkt("predict", "--features", "scaled.npz").err


def test_raw_features_that_are_small_are_counted(labelled: Path, kgkt: Kgkt) -> None:
    known = open_features(Path("kgkt-run/main/features.parquet"))
    rows = {layer: known.rows(layer, np.arange(100)) for layer in known.layers}
    for times in (0.1, 0.01, 0):
        np.savez("small.npz", **{layer: times * V for layer, V in rows.items()})
        assert kgkt("predict", "--features", "small.npz").json["far"] > 90


def test_concepts_that_are_off_give_no_class(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("query", "--rw", "--force", "MATCH (c:Concept) WHERE c.size < 1000 SET c.active = false")
    kgkt("query", "--rw", "--force", "MATCH (c:Concept) WITH c ORDER BY c.key LIMIT 20 SET c.active = true")
    told = kgkt("predict", "--data", "test.npz").json
    without = [row for row in told["rows"] if row[1] is None]
    assert 0 < len(without) < len(told["rows"])
    assert without[0][2] is None


@pytest.mark.parametrize(("arguments", "code", "reason"), [
    ((), 2, "which items?"),
    (("--data", "test.npz", "--features", "f.npz"), 2, "which items?"),
    (("--features", "f.npz", "--model", "b.keras"), 2, "B reads the items themselves"),
    (("--data", "test.npz", "--columns", "f*"), 2, "--columns are those of a table of features: give --features"),
    (("--data", "gone.npz"), 3, "data gone.npz is not there"),
    (("--data", "test.npz", "--items", "test.npz"), 3, "exists: --force replaces it"),
    (("--data", "other.npz"), 3, "takes items of shape"),
    (("--features", "f.npz"), 3, "has no array mid"),
    (("--features", "narrow.npz"), 3, "the graph was made of layer emb with 32 numbers, the new items have mid"),
])  # fmt: skip
def test_what_cannot_be_predicted(labelled: Path, kgkt: Kgkt, arguments: tuple[str, ...], code: int, reason: str) -> None:
    np.savez("other.npz", x=np.zeros((9, 5, 5, 1), np.float32))
    np.savez("f.npz", emb=np.zeros((9, 32), np.float32))
    np.savez("narrow.npz", mid=np.zeros((9, 512), np.float32), emb=np.zeros((9, 31), np.float32))
    done = kgkt("predict", *arguments)
    assert (done.code, reason in done.err) == (code, True), done.err


def test_another_a_is_refused_and_one_that_moved_is_named_in_the_recipe(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("populate", "--model", "a.keras", "--layers", "emb", "--data", "pool.npz", "--graph", "own")
    kgkt("label", "i0000=2", "i0001=4", "--graph", "own")
    few = ("predict", "--data", "test.npz", "--graph", "own")
    told = kgkt(*few).json["rows"]
    (labelled / "a.keras").rename(labelled / "moved.keras")
    assert "a.keras" in kgkt(*few).err
    Path("kgkt.toml").write_text('[source]\nmodel = "moved.keras"\nlayers = ["emb"]\n')
    assert kgkt(*few).json["rows"] == told
    from kgkt.source.quiet import keras

    model = keras().saving.load_model("moved.keras")
    model.layers[-1].set_weights([2 * w for w in model.layers[-1].get_weights()])
    model.save("moved.keras")
    done = kgkt(*few)
    assert (done.code, "moved.keras is not the A that the graph was made with" in done.err) == (3, True)


def test_features_in_place_of_data_and_in_python(tmp_path: Path, digits: Any) -> None:
    pool, new = digits.pool_x.reshape(600, -1), digits.test_x.reshape(len(digits.test_x), -1)
    run = package.populate(features={"pixels": pool, "item_id": digits.pool_ids}, dir=tmp_path / "run")
    run.label(dict(zip(digits.pool_ids[:80], digits.pool_y[:80].astype(str), strict=True)))
    done = run.predict(features={"pixels": new})
    assert np.mean(np.array(done.classes) == digits.test_y.astype(str)) > 0.8
    assert done.to_pandas().shape == (len(new), 6)
    notices: list[str] = []
    run.say = notices.append
    assert run.predict(features=new[:9]).classes == done.classes[:9]  # an array has a layer "features"
    assert "its one layer features is taken for the graph's one layer pixels, both have 64 numbers" in notices[0]
    with pytest.raises(package.errors.InputError, match="layer pixels with 64 numbers, the new items have features 63"):
        run.predict(features=new[:9, :63])
    one = run.predict(features={"pixels": new[:1], "item_id": ["mine"]})
    assert (one.ids.tolist(), one.classes) == (["mine"], done.classes[:1])
    table = pd.DataFrame(new[:9], columns=[f"pixels{j}" for j in range(64)]).assign(name=[f"n{i}" for i in range(9)])
    table[:1].to_csv(tmp_path / "named.csv", index=False)
    assert run.predict(features=tmp_path / "named.csv", id_column="name").classes == done.classes[:1]
    held = run.predict(features=table[["name", *reversed(table.columns[:64])]], id_column="name")
    assert (held.ids.tolist(), held.classes) == ([f"n{i}" for i in range(9)], done.classes[:9])
    with pytest.raises(package.errors.InputError, match="--id-column names the one"):
        run.predict(features=tmp_path / "named.csv")
    table.rename(columns={f"pixels{j}": f"v{j}" for j in range(64)}).assign(age=40).to_csv(tmp_path / "wide.csv", index=False)
    wide = run.predict(features=tmp_path / "wide.csv", id_column="name", columns="v*")
    assert (wide.ids.tolist(), wide.classes) == ([f"n{i}" for i in range(9)], done.classes[:9])
    with pytest.raises(package.errors.InputError, match=r"u\*"):
        run.predict(features=tmp_path / "wide.csv", id_column="name", columns="u*")
    assert done._repr_html_().startswith("<table><tr><th>item</th>")
    with pytest.raises(package.errors.UsageError, match="give --features of the new items"):
        run.predict(digits.test_x)


def test_nearest_items_are_exact_in_any_number_of_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    from kgkt.transfer import new_items

    rng = np.random.default_rng(0)
    pool, new = rng.normal(size=(300, 5)).astype(np.float32), rng.normal(size=(40, 5)).astype(np.float32)
    monkeypatch.setattr(new_items, "AT_ONCE", 2_000)  # 6 rows at a time
    index, distance = nearest_in_pool(new, pool, 7)
    apart = np.linalg.norm(pool[None] - new[:, None], axis=2)
    assert (index == np.argsort(apart, axis=1)[:, :7]).all()
    np.testing.assert_allclose(distance, np.sort(apart, axis=1)[:, :7], rtol=1e-5)
    assert nearest_in_pool(new, pool[:3])[0].shape == (40, 3)


def test_the_nearest_have_a_voice_by_their_distance() -> None:
    pool = np.array([[0.0], [1.0], [2.0], [9.0]], np.float32)
    P = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], float)
    answer, reached = answer_new(np.array([[0.0], [1.5], [0.4]], np.float32), pool, P, np.ones(4))
    assert (reached.all(), answer[0].tolist(), answer[1].argmax()) == (True, [1.0, 0.0], 1)
    assert np.allclose(answer.sum(axis=1), 1)
    silent, reached = answer_new(np.array([[0.0]], np.float32), pool, P, np.array([0, 1, 1, 1.0]))
    assert (reached.tolist(), silent.tolist()) == ([False], [[0.5, 0.5]])


def test_new_items_are_told_apart_by_directions_too() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 200)
    X = rng.normal(size=(400, 60))
    X[:, 0] += np.where(y, 1.8, -1.8)  # one direction of sixty says all; neighbours are all over the place
    pool, new = np.arange(400) % 4 > 0, np.arange(400) % 4 == 0
    P = np.where(y[pool, None] == [0, 1], 0.9, 0.1)
    N, reached = answer_new(X[new].astype(np.float32), X[pool].astype(np.float32), P, np.ones(300))
    out = round_new(N, reached, X[new], X[pool], P, np.ones(300, bool))
    right = [np.mean(A.argmax(axis=1) == y[new]) for A in (N, out)]
    assert right[1] > right[0] > 0.9
    np.testing.assert_allclose(out.sum(axis=1), 1)
    one = round_new(N, reached, X[new], X[pool], np.tile([0.9, 0.1], (300, 1)), np.ones(300, bool))
    np.testing.assert_array_equal(one, N)  # one class everywhere tells nothing apart
    certain, silent = np.tile([1.0, 0.0], (100, 1)), np.zeros(100, bool)
    np.testing.assert_array_equal(round_new(certain, reached, X[new], X[pool], P, np.ones(300, bool)), certain)
    np.testing.assert_array_equal(round_new(N, silent, X[new], X[pool], P, np.ones(300, bool)), N)
