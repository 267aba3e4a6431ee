"""Several sources in one graph, from populate to predict: two models and a file of features."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.files import read_json
from kgkt.rundir.folder import load_memberships
from kgkt.rundir.graph_files import load_sources
from kgkt.source.parquet import open_features
from tests.cli.conftest import Kgkt, cwd_into, kgkt_in, write_labels
from tests.conftest import Once

ASKED = ("populate", "--model", "a.keras", "--layers", "emb", "--data", "pool.npz", "--also", "b.keras:hidden", "--also",
         "pix.npz", "--concepts", 30)  # fmt: skip
GIVEN = (*ASKED, "--source-weights", "1,0.5,0")
CARRIED = "MATCH (c:Concept)-[r:CARRIED_BY]->(m:Model) RETURN c.key AS key, m.name AS model, r.share AS share"


@pytest.fixture(scope="session")
def joined_once(once: Once, model_a: Path, model_b: Path, pool_npz: Path, digits: Any) -> Path:
    """A folder with a graph of A, of an untrained model and of the pixels, which have no weight; not to be changed."""

    def fill(folder: Path) -> None:
        for path in (model_a, model_b, pool_npz):
            shutil.copy(path, folder)
        pixels(folder / "pix.npz", digits.pool_ids, digits.pool_x)
        kgkt_in(folder, *GIVEN)

    return once("joined", fill)


def pixels(path: Path, ids: np.ndarray, x: np.ndarray) -> None:
    """Features in another order than the pool's."""
    order = np.random.default_rng(0).permutation(len(ids))
    np.savez(path, item_id=ids[order], raw=x.reshape(len(x), -1)[order])


@pytest.fixture
def joined(joined_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same folder, to work in."""
    shutil.copytree(joined_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def weights(kgkt: Kgkt) -> dict[str, float]:
    asked = kgkt("query", "MATCH (:Graph)-[l:LEARNED_FROM]->(m:Model) WHERE m.role = 'source' RETURN m.name, l.weight")
    return dict(asked.json["rows"])


def test_one_more_source_lets_no_model_read_again(populated: Path, kgkt: Kgkt, digits: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from kgkt.source import keras_model

    read: list[str] = []
    extract = keras_model.KerasModel.extract

    def watched(self: Any, *given: Any) -> Any:
        read.append(Path(self.path).name)
        return extract(self, *given)

    monkeypatch.setattr(keras_model.KerasModel, "extract", watched)
    pixels(Path("pix.npz"), digits.pool_ids, digits.pool_x)
    asked = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
    file = Path("kgkt-run/main/features.parquet")
    alone = open_features(file).rows("emb", np.arange(600))
    done = kgkt(*asked, "--also", "b.keras:hidden")
    assert (done.code, read) == (0, ["b.keras"])
    assert "what a.keras says of the items is at hand, and not read again" in done.err
    both = open_features(file)
    assert set(both.layers) == {"a/mid", "a/emb", "b/hidden"}
    np.testing.assert_array_equal(both.rows("a/emb", np.arange(600)), alone)
    assert kgkt(*asked, "--also", "b.keras:hidden", "--also", "pix.npz").code == 0
    assert read == ["b.keras"]  # neither of the two
    three = open_features(file)
    np.testing.assert_array_equal(three.rows("b/hidden", np.arange(600)), both.rows("b/hidden", np.arange(600)))
    assert kgkt(*asked[:3], "--layers", "emb", *asked[5:], "--also", "b.keras:hidden").code == 0
    assert read == ["b.keras", "a.keras", "b.keras"]  # another layer; and of what pix.npz had a part in nothing is known


def test_each_source_counts_what_it_was_told_and_carries_concepts(joined: Path, kgkt: Kgkt) -> None:
    assert weights(kgkt) == pytest.approx({"a.keras": 2 / 3, "b.keras": 1 / 3, "pix.npz": 0})
    folder = Path("kgkt-run/main")
    features = open_features(folder / "features.parquet")
    assert features.widths == {"a/emb": 32, "b/hidden": 32, "pix/raw": 64}
    ids, Z = load_memberships(folder / "memberships.parquet")
    assert features.ids.tolist() == ids.tolist()
    alone, nearest = load_sources(folder / "sources.safetensors"), Z.indices[Z.indptr[:-1]]
    said = kgkt("query", CARRIED).json["rows"]
    several = np.flatnonzero(np.bincount(nearest, minlength=30) > 1)
    assert len(said) == 3 * len(several)
    assert {model for _, model, _ in said} == set(alone) == {"a.keras", "b.keras", "pix.npz"}
    key, model, share = said[0]
    members = alone[model][nearest == int(key.rsplit("/", 1)[1])].astype(float)

    def apart(rows: np.ndarray) -> float:
        return float(((rows[:, None] - rows[None]) ** 2).sum(axis=-1)[~np.eye(len(rows), dtype=bool)].mean())

    assert share == pytest.approx(max(0, 1 - apart(members) / apart(alone[model].astype(float))), abs=1e-6)
    best = kgkt("query", "carried", "--param", "limit=99").json["rows"]
    assert len(best) == len(several)
    assert all(1 >= row[4] >= row[6] >= 0 for row in best)
    assert kgkt("query", "MATCH (:Model)<-[r:CARRIED_BY]-() RETURN count(r)").json["rows"] == [[len(said)]]


def test_unchanged_it_does_nothing_and_check_shows_every_source(joined: Path, kgkt: Kgkt) -> None:
    again = kgkt(*ASKED, "--source-weights", "1, .5, 0.0").json
    assert (again["unchanged"], again["weights"]["pix.npz"]) == (True, 0)
    vectors = Path("kgkt-run/main/sources.safetensors")
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    mended = kgkt(*GIVEN).json
    assert (mended["unchanged"], mended["grown"]["joined"]) == (False, 0)
    assert kgkt(*GIVEN).json["unchanged"]
    broken = kgkt("check", *ASKED[1:7], "--also", "c.keras", "--format", "json")
    assert (broken.code, next(fact["what"] for fact in broken.json["facts"])) == (3, "a.keras + c.keras")
    assert "c.keras cannot be read" in broken.err
    facts = kgkt("check", *ASKED[1:-2], "--format", "json").json
    shown = {fact["what"]: fact for fact in facts["facts"]}
    assert {"a.keras", "b.keras", "pix.npz", "pool.npz", "plan"} <= set(shown)
    assert shown["plan"]["layers"] == {"a/emb": 32, "b/hidden": 32, "pix/raw": 64}
    assert facts["memory_mb"] > 990  # TensorFlow's and pyarrow's libraries
    assert facts["stages"]["populate"]["why"] == ["concepts settings"]


def test_other_sources_make_the_graph_anew_and_what_people_said_follows(joined: Path, kgkt: Kgkt, digits: Any) -> None:
    kgkt("label", f"{digits.pool_ids[0]}=mine")
    done = kgkt(*ASKED, "--source-weights", "1,1,0")
    assert "weights 1, 0.5, 0 became 1, 1, 0" in done.json["made_anew_because"]
    assert "carried over: 1 label" in done.err
    assert weights(kgkt) == pytest.approx({"a.keras": 0.5, "b.keras": 0.5, "pix.npz": 0})
    fewer = kgkt(*ASKED[:9], "--concepts", 30)
    assert fewer.json["made_anew_because"] == "it was made from 3 sources, and is to be from 2"
    one = kgkt(*ASKED[:7], "--concepts", 30)
    assert one.json["made_anew_because"] == "it was made from 2 sources, and is to be from 1"
    assert one.json["layers"] == {"emb": 32}
    assert weights(kgkt) == {"a.keras": 1.0}
    assert not Path("kgkt-run/main/sources.safetensors").exists()
    assert kgkt("query", CARRIED).json["rows"] == []
    assert kgkt("query", "labels").json["rows"][0][0] == digits.pool_ids[0]


def test_new_items_are_read_by_the_sources_that_count(joined: Path, kgkt: Kgkt, digits: Any) -> None:
    few = {str(i): str(c) for i, c in zip(digits.pool_ids[:150], digits.pool_y[:150], strict=True)}
    write_labels(Path("labels.csv"), list(few.items()))
    kgkt("label", "--file", "labels.csv")
    np.savez("new.npz", x=digits.test_x, y=digits.test_y)
    Path("pix.npz").unlink()  # of no weight, so not needed
    done = kgkt("predict", "--data", "new.npz", "--items", "new.csv").json
    assert done["right"] > 0.8
    with Path("new.csv").open(newline="") as file:
        named = {row["item_id"]: row["class"] for row in csv.DictReader(file)}
    x = open_features(Path("kgkt-run/main/features.parquet"))
    rows = np.arange(5)
    np.savez("pool5.npz", item_id=x.ids[:5], **{layer: x.rows(layer, rows) for layer in ("a/emb", "b/hidden")})
    ours = kgkt("predict", "--features", "pool5.npz").json["rows"]
    assert [row[1] for row in ours] == [few[item] for item in x.ids[:5].tolist()]
    np.savez("half.npz", item_id=x.ids[:5], **{"a/emb": x.rows("a/emb", rows)})
    lacks = kgkt("predict", "--features", "half.npz")
    assert (lacks.code, "half.npz has no array b/hidden" in lacks.err) == (3, True)
    assert len(named) == len(digits.test_x)
    Path("kgkt.toml").write_text('[source]\nmodel = "a.keras"\nlayers = ["emb"]\nalso = ["b.keras:hidden", "pix.npz"]\n')
    assert kgkt("predict", "--data", "new.npz").json["right"] == done["right"]
    with Path("b.keras").open("ab") as file:
        file.write(b"\0")
    changed = kgkt("predict", "--data", "new.npz")
    assert (changed.code, "(model 2 changed)" in changed.err) == (3, True)


def test_a_file_that_counts_asks_for_features_of_new_items(joined: Path, kgkt: Kgkt) -> None:
    kgkt(*ASKED, "--source-weights", "1,0,1")
    done = kgkt("predict", "--data", "pool.npz")
    assert done.code == 2
    assert "made from pix.npz too" in done.err
    assert "a file with a/emb, pix/raw" in done.err


def test_the_graph_grows_and_each_source_reads_what_is_new(joined: Path, kgkt: Kgkt, digits: Any) -> None:
    before = open_features(Path("kgkt-run/main/features.parquet"))
    x = np.concatenate([digits.pool_x, digits.test_x[:40]])
    ids = np.concatenate([digits.pool_ids, [f"new-{i}" for i in range(40)]])
    np.savez("pool.npz", x=x, item_id=ids)
    short = kgkt(*GIVEN)
    assert short.code == 3
    assert "pix.npz lacks 40 of the 640 items of the pool (new-0, new-1, new-2, …); it has 600, e.g." in short.err
    pixels(Path("pix.npz"), ids, x)
    done = kgkt(*GIVEN)
    assert (done.json["grown"]["joined"], done.json["grown"]["left"], done.json["made_anew_because"]) == (40, 0, None)
    after = open_features(Path("kgkt-run/main/features.parquet"))
    for layer in before.layers:
        np.testing.assert_array_equal(after.rows(layer, np.arange(600)), before.rows(layer, np.arange(600)))
    np.testing.assert_array_equal(after.rows("pix/raw", np.arange(600, 640)), digits.test_x[:40].reshape(40, -1))
    assert weights(kgkt) == pytest.approx({"a.keras": 2 / 3, "b.keras": 1 / 3, "pix.npz": 0})
    assert len(load_sources(Path("kgkt-run/main/sources.safetensors"))["a.keras"]) == 640
    assert kgkt(*GIVEN).json["unchanged"]


def test_labels_choose_the_weights(joined: Path, kgkt: Kgkt, truth: dict[str, str]) -> None:
    asked = (*ASKED[:9], "--concepts", 30)
    first = kgkt(*asked)
    assert "every source counts the same (no label to judge them by)" in first.err
    assert weights(kgkt) == {"a.keras": 0.5, "b.keras": 0.5}
    write_labels(Path("labels.csv"), list(truth.items())[:80])
    kgkt("label", "--file", "labels.csv")
    told = kgkt("propagate").json["sources"]
    assert "the labels now prefer weights 1 (a.keras), 0 (b.keras): of 80 labels" in told
    assert told.endswith("--concepts 30 --fresh")
    assert "kgkt populate --model" in told
    away = kgkt("propagate", "--dir", Path("kgkt-run").absolute()).json["sources"]  # from another folder the same graph
    assert f"kgkt populate --dir {Path('kgkt-run').absolute()} --model" in away
    assert kgkt(*asked).json["unchanged"]
    anew = kgkt(*asked, "--fresh")
    assert "weights 1 (a.keras), 0 (b.keras): of 80 labels, each left out in turn" in anew.err
    assert anew.json["weights"] == {"a.keras": 1.0, "b.keras": 0.0}
    assert kgkt("propagate").json["sources"] is None
    assert read_json(Path("kgkt-run/main/run.json"))["stages"]["populate"]["settings"]["weights"] == {
        "asked": "auto", "weights": [1.0, 0.0]}  # fmt: skip
    shutil.rmtree("kgkt-run")
    Path("kgkt.toml").write_text('[source]\nmodel = "a.keras"\nlayers = ["emb"]\ndata = "pool.npz"\nalso = ["b.keras:hidden"]\n'
                                 'weights = "auto"\n[concepts]\nk = 30\n[teach]\nlabels = "labels.csv"\n')  # fmt: skip
    assert kgkt("populate").json["weights"] == {"a.keras": 1.0, "b.keras": 0.0}  # of the recipe's label file


@pytest.mark.parametrize(("more", "code", "says"), [
    (("--also", "a.keras:mid"), 2, "is the same source as"),
    (("--also", "b.keras:hiden"), 3, "did you mean hidden"),
    (("--also", "c.keras"), 3, "c.keras"),
    (("--also", "b.keras:hidden", "--source-weights", "1,2,3"), 2, "3 numbers for 2 sources (a.keras, b.keras)"),
    (("--also", "b.keras:hidden", "--source-weights", "1,-1"), 2, "or more"),
    (("--also", "b.keras:hidden", "--source-weights", "0,0"), 2, "above 0"),
    (("--source-weights", "1"), 2, "name the others with --also"),
])  # fmt: skip
def test_what_cannot_be_joined_is_refused_before_any_work(joined_once, tmp_path, monkeypatch, kgkt, more, code, says) -> None:
    for name in ("a.keras", "b.keras", "pool.npz"):
        shutil.copy(joined_once / name, tmp_path)
    cwd_into(monkeypatch, tmp_path)
    done = kgkt(*ASKED[:7], *more)
    assert done.code == code
    assert says in done.err
    assert not (tmp_path / "kgkt-run").exists()
