"""The verbs in Python: values in memory, what is shown in notebooks, and errors."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kgkt
from kgkt.errors import InputError, UsageError
from kgkt.rundir.given import data_file, features_file, label_pairs
from kgkt.source.inputs import TEST, read_data
from kgkt.source.named import read_named
from kgkt.verbs.switch import switch


@pytest.fixture(scope="module")
def vectors(digits: Any) -> np.ndarray:
    """(600, 64) pixels of the pool."""
    return digits.pool_x.reshape(600, -1)


@pytest.fixture
def run(tmp_path: Path, vectors: np.ndarray, digits: Any) -> kgkt.Run:
    """A graph of features in memory, with two labels of each digit."""
    made = kgkt.populate(features={"emb": vectors, "item_id": digits.pool_ids}, dir=tmp_path / "run")
    few = [int(i) for digit in range(10) for i in np.flatnonzero(digits.pool_y == digit)[:2]]
    made.label({digits.pool_ids[i]: int(digits.pool_y[i]) for i in few})
    return made


def test_a_run_tells_what_it_holds(run: kgkt.Run, tmp_path: Path) -> None:
    assert repr(run) == f"<kgkt run: graph main in {tmp_path / 'run'}, 600 items, 60 concepts>"
    assert (run.graph, run.folder) == ("main", tmp_path / "run" / "main")
    assert run.populated.n_items == 600
    assert "<td>propagate</td><td></td><td>stale: never ran</td>" in run._repr_html_()
    assert "no graph yet" in repr(kgkt.open_graph(dir=tmp_path / "other"))


def test_rows_are_read_in_every_way(run: kgkt.Run) -> None:
    rows = run.query("MATCH (i:Item)-[:LABELLED]->(c:Class) RETURN c.name AS name, count(*) AS n ORDER BY name")
    assert (len(rows), next(iter(rows))) == (10, ("0", 2))
    assert rows.to_pandas()["n"].tolist() == [2] * 10
    assert rows._repr_html_().startswith("<table><tr><th>name</th><th>n</th></tr><tr><td>0</td><td>2</td></tr>")
    assert run.query("MATCH (c:Concept) RETURN c.key", rows=3)._repr_html_().endswith("<p>cut at the limit on rows</p>")
    assert run.query("RETURN $n AS n", {"n": "<b>"})._repr_html_().count("&lt;b&gt;") == 1
    with pytest.raises(UsageError, match="one statement, and here are 2: use queries"):
        run.query("RETURN 1; RETURN 2")
    assert [rows.rows for rows, _ in run.queries("RETURN 1; RETURN 2")] == [((1,),), ((2,),)]


def test_labels_come_in_every_form(run: kgkt.Run, digits: Any) -> None:
    a, b, c = digits.pool_ids[300:303]
    assert run.label(pd.DataFrame({"item_id": [a, b, c], "class": ["x", None, "not:x"]})).ticks == 1
    assert run.label([(b, "y")]).labels == 1
    assert run.label([f"{c}=z"]).classes[-3:] == ("x", "y", "z")
    assert run.label({a: ["not:y", "not:z"]}).ticks == 2
    with pytest.raises(InputError, match="no item 'i9999' in the pool"):
        run.label({"i9999": "x"})
    with pytest.raises(UsageError, match="give --file"):
        run.label()
    series = pd.Series(["x", "y", None], index=pd.Index([a, b, c], name="item_id"), name="class")
    assert run.label(series).already == 2
    assert (run.label(series.to_frame()).already, run.label(f"{c}=x").labels) == (2, 1)
    assert run.label(np.array([f"{a}=x", f"{b}=y"])).already == 2
    for bad, says in ((3, "received int"), ([(a, "x", "y")], "is no pair"), (pd.DataFrame({"item_id": [a]}), "no column class"),
                      (pd.DataFrame({"id": [a], "class": ["x"]}), "no column item_id")):  # fmt: skip
        with pytest.raises(UsageError, match=says):
            run.label(bad)


def test_numbers_and_switches_are_what_they_say(run: kgkt.Run) -> None:
    was = run.query("MATCH (c:Concept) WHERE c.active = true RETURN count(c) AS n").rows
    for bad in ("of", 0, None):
        with pytest.raises(UsageError, match="switch takes True"):
            run.switch(bad, concepts=[1])
    with pytest.raises(UsageError, match="switch takes True"):
        switch(run.recipe, print, "off", concepts=["1"])
    for call in (lambda: run.suggest("5"), lambda: run.suggest(2.5), lambda: run.undo("x"), lambda: run.undo(1.5)):
        with pytest.raises(UsageError, match="must be a whole number"):
            call()
    done = run.switch("off", concepts=1)
    assert (done.on, list(done.concepts)) == (False, [1])
    assert run.switch("on", concepts="1").on is True
    run.undo("3"), run.undo(np.int64(2))
    assert run.query("MATCH (c:Concept) WHERE c.active = true RETURN count(c) AS n").rows == was


def test_what_propagate_gives_fits_together(run: kgkt.Run, digits: Any) -> None:
    done = run.propagate(balanced=True)
    assert done.current.ids.tolist() == digits.pool_ids.tolist()
    assert done.targets.names == tuple("0123456789")
    assert np.mean(done.targets.P.argmax(axis=1) == digits.pool_y) > 0.85
    suggested = run.suggest(3)
    assert suggested.to_pandas().columns.tolist() == ["item", "concept", "name", "speaks_for", "why", "picture"]
    assert (len(suggested), suggested.pool) == (3, 600)
    assert suggested._repr_html_().count("<tr>") == 4


def test_models_and_data_may_be_in_memory(tmp_path: Path, digits: Any, model_a: Path, model_b: Path) -> None:
    from kgkt.source.quiet import keras

    a, b = (keras().saving.load_model(path, compile=False) for path in (model_a, model_b))
    run = kgkt.populate(
        model=a, layers="emb", data={"x": digits.pool_x, "item_id": digits.pool_ids}, concepts=40, dir=tmp_path / "run"
    )
    assert (run.populated.widths, run.populated.n_concepts) == ({"emb": 32}, 40)
    run.label(dict(zip(digits.pool_ids[:60], digits.pool_y[:60].astype(str), strict=True)))
    before = b.get_weights()
    fused = run.fuse(b, test=(digits.test_x, digits.test_y), steps=200)
    assert fused.fusion.figures["test_fused"] > 0.7
    assert fused.fusion.model.predict(digits.test_x[:2], verbose=0).shape == (2, 10)
    assert all(np.array_equal(was, now) for was, now in zip(before, b.get_weights(), strict=True))
    assert run.fuse(b, steps=5).out == fused.out  # replaced
    with pytest.raises(InputError, match="exists; give another --out"):
        run.fuse(b, fused.out)


def test_texts_may_be_a_list_or_a_data_frame(tmp_path: Path, vectors: np.ndarray) -> None:
    texts = [f"text of {number}" for number in range(600)]
    features = pd.DataFrame(vectors).assign(item_id=[f"i{number:04d}" for number in range(600)])
    run = kgkt.populate(features=features, data=texts, dir=tmp_path / "run")
    assert run.query("MATCH (i:Item) RETURN i.text STARTS WITH 'text of' AS is_text LIMIT 1").rows == ((True,),)
    frame = pd.DataFrame({"item_id": features["item_id"], "text": texts})
    assert kgkt.populate(features=features, data=frame, dir=tmp_path / "again").populated.n_items == 600


@pytest.mark.parametrize(("settings", "reason"), [
    ({"data": 3}, "pool: expected a path, an array"),
    ({"features": 3}, "features: expected a path, an array"),
    ({"model": 3}, "model: expected a path or a Keras model, received int"),
    ({}, "where do the features come from"),
])  # fmt: skip
def test_what_is_no_data_is_refused(tmp_path: Path, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        kgkt.populate(dir=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_notices_are_logged_or_taken(tmp_path: Path, vectors: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("kgkt").propagate = True  # the command line, in other tests of this process, takes them itself
    doubled = np.tile(vectors[:5], (12, 1))
    kgkt.populate(features=doubled, dir=tmp_path / "one")
    assert any("of 60 items differ" in record.message for record in caplog.records)
    heard: list[str] = []
    kgkt.populate(features=doubled, dir=tmp_path / "two", say=heard.append)
    assert any("of 60 items differ" in line for line in heard)


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="kgkt init writes a recipe"):
        kgkt.open_graph(recipe=tmp_path / "none.toml")


def test_a_folder_in_the_place_of_a_name_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"the name of a graph, received .*Path: a run directory is dir="):
        kgkt.open_graph(tmp_path)  # type: ignore[arg-type]


def test_ids_may_come_straight_from_pandas(tmp_path: Path, vectors: np.ndarray, digits: Any) -> None:
    frame = pd.DataFrame({"item_id": np.array(digits.pool_ids.tolist(), dtype=object)})
    texts = digits.pool_ids.tolist()
    for ids in (frame["item_id"], np.array(texts, dtype=object), np.array(texts, np.dtypes.StringDType())):
        path = features_file({"emb": vectors.astype(object), "item_id": ids}, tmp_path)
        assert path is not None
        with np.load(path) as written:
            assert (written["emb"].dtype.kind, written["item_id"].tolist()) == ("f", digits.pool_ids.tolist())
    for bad, says in (([*digits.pool_ids[:599], None], "array item_id holds Python objects .*NoneType, str.*dtype=str"),
                      ([[1, 2], [3]], "array item_id: its rows differ")):  # fmt: skip
        with pytest.raises(InputError, match=says):
            features_file({"emb": vectors, "item_id": bad}, tmp_path)
    np.savez(tmp_path / "own.npz", emb=vectors, item_id=frame["item_id"].to_numpy())
    with pytest.raises(InputError, match=r"own.npz: array item_id holds Python objects.*np.array\(list\(ids\), dtype=str"):
        kgkt.populate(features=tmp_path / "own.npz", dir=tmp_path / "run")


def test_a_frame_of_texts_keeps_the_names_of_its_columns(tmp_path: Path) -> None:
    frame = pd.DataFrame({"key": ["a", "b"], "body": ["some words of a text", "more words of a text"], "kind": [1, 2],
                          "size": [0.5, np.nan]})  # fmt: skip
    named = {"id_column": "key", "text_column": "body", "class_column": "kind"}
    path = data_file(frame, tmp_path, "pool", tuple(named.values()))
    assert path is not None
    data = read_data(path, **named)  # type: ignore[arg-type]
    assert data.y is not None
    assert (data.ids.tolist(), data.text, data.y.tolist()) == (["a", "b"], frame["body"].tolist(), ["1", "2"])
    found = read_data(data_file(frame, tmp_path, "other") or "")
    assert (found.columns.text if found.columns else None, found.ids.tolist()) == ("body", ["i0000", "i0001"])
    with pytest.raises(InputError, match=r"has no column of texts \(size\)"):
        data_file(frame[["size"]], tmp_path, "pool")


def test_an_index_of_texts_holds_the_ids(tmp_path: Path, vectors: np.ndarray, digits: Any) -> None:
    frame = pd.DataFrame(vectors[:4], index=pd.Index(["a", "b", "c", "d"], name="symbol"))
    for given, ids in ((frame, ["a", "b", "c", "d"]), (frame.set_axis([7, 5, 3, 1]).rename_axis("item_id"), list("7531"))):
        assert np.load(features_file(given, tmp_path))["item_id"].tolist() == ids
    assert "item_id" not in np.load(features_file(frame.reset_index(drop=True), tmp_path))
    with pytest.raises(InputError, match=r"holds 'a' more than once, and item ids are unique: \.reset_index"):
        features_file(frame.set_axis(["a", "b", "a", "c"]), tmp_path)
    texts = pd.DataFrame({"text": ["river", "car"]}, index=pd.Index(["a", "b"], name="symbol"))
    for columns, name in (((), "item_id"), (("symbol", None, None), "symbol")):
        assert Path(data_file(texts, tmp_path, "pool", columns)).read_text() == f"{name},text\na,river\nb,car\n"
    assert Path(data_file(texts.reset_index(drop=True), tmp_path, "pool")).read_text() == "text\nriver\ncar\n"


def test_classes_that_are_no_texts_are_as_in_files() -> None:
    assert label_pairs({"a": 3, "b": True, "c": np.bool_(False), "d": None}) == [("a", "3"), ("b", "true"), ("c", "false")]
    for value, says in ((3.0, "is 3 meant"), (np.float32(3), "is 3 meant"), (2.5, "name it with a text")):
        with pytest.raises(UsageError, match=f"the class of a is {value}, and a whole number or a text is wanted: {says}"):
            label_pairs({"a": value})


def test_a_folder_of_graphs_is_no_name(run: kgkt.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("run", "./run"):
        with pytest.raises(InputError, match=rf"{name} is a folder that holds 1 graph \(main\): in Python it is dir='{name}'"):
            kgkt.open_graph(name).query("RETURN 1")
    with pytest.raises(InputError, match="no graph main in nowhere, as there is no such folder"):
        kgkt.open_graph(dir="nowhere").query("RETURN 1")


def test_arrays_of_several_inputs_go_by_their_names(tmp_path: Path) -> None:
    top, rest = np.arange(6.0).reshape(3, 2), np.arange(3.0)
    path = data_file({"top": top, "rest": rest, "item_id": ["a", "b", "c"]}, tmp_path, "target-pool")
    parts = read_named(path or "", {"top": False, "rest": False})
    assert (parts["rest"].x.tolist(), parts["top"].ids.tolist()) == ([0, 1, 2], ["a", "b", "c"])
    path = data_file(({"top": top, "rest": rest}, [1, 0, 1]), tmp_path, "test")
    assert read_named(path or "", {"top": False, "rest": False}, TEST)["top"].y.tolist() == ["1", "0", "1"]
    with pytest.raises(UsageError, match="pool: expected a path, an array"):
        data_file({"top": top}, tmp_path, "pool")
