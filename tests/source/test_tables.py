"""Tables as people have them: features in columns of numbers, ids under other names, labels that pandas wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kgkt.errors import InputError
from kgkt.rundir.given import features_file
from kgkt.source.imported import import_features, peek_features
from kgkt.source.inputs import read_data
from kgkt.source.labels import read_label_file
from kgkt.source.numbered import by_number

V = np.random.default_rng(0).normal(size=(40, 12))
IDS = [f"{n:05d}" for n in range(40)]


def frame(prefix: str = "f", **more: object) -> pd.DataFrame:
    return pd.DataFrame({"item_id": IDS, **{f"{prefix}{j}": V[:, j] for j in range(12)}, **more})


def saved(folder: Path, table: pd.DataFrame, kind: str) -> Path:
    path = folder / f"theirs{kind}"
    if kind == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep="\t" if kind == ".tsv" else ",")
    return path


def read(path: Path, tmp_path: Path, **how: object):
    features = import_features(path, tmp_path / "features.parquet", **how)
    return features, {layer: np.concatenate(list(features.batches(layer))) for layer in features.layers}


@pytest.mark.parametrize("kind", [".parquet", ".csv", ".tsv"])
def test_columns_of_numbers_are_one_layer(tmp_path, kind) -> None:
    path = saved(tmp_path, frame(label="x", age=range(40)), kind)
    features, values = read(path, tmp_path)
    assert (features.widths, features.ids.tolist()) == ({"f": 12}, IDS)  # ids keep their zeros
    np.testing.assert_allclose(values["f"], V, rtol=1e-6)
    assert "12 columns, f0 … f11, are the layer f" in features.meta["notices"]
    assert "columns not read: label, age" in features.meta["notices"]
    assert peek_features(path) == (40, {"f": 12})
    if kind == ".parquet":
        assert "cast from float64" in features.meta["notices"]
        flat = frame()
        path = saved(tmp_path, flat.astype({name: np.float32 for name in flat.columns if name != "item_id"}), kind)
        assert "cast from" not in read(path, tmp_path)[0].meta["notices"]


def test_two_prefixes_are_two_layers_and_bare_numbers_are_features(tmp_path) -> None:
    both = frame().join(pd.DataFrame({f"mid_{j}": V[:, j] for j in range(5)}))
    features, values = read(saved(tmp_path, both, ".parquet"), tmp_path)
    assert features.widths == {"f": 12, "mid": 5}
    np.testing.assert_allclose(values["mid"], V[:, :5], rtol=1e-6)
    assert read(saved(tmp_path, both, ".csv"), tmp_path, layers=("mid",))[0].widths == {"mid": 5}
    assert read(saved(tmp_path, frame(prefix=""), ".csv"), tmp_path)[0].widths == {"features": 12}


@pytest.mark.parametrize("kind", [".parquet", ".csv"])
def test_columns_are_taken_in_the_order_of_their_numbers(tmp_path, kind) -> None:
    table = frame(age=range(40))
    path = saved(tmp_path, table[["f3", "item_id", *(f"f{j}" for j in range(11, -1, -1) if j != 3), "age"]], kind)
    for how in ({}, {"columns": ("f*",)}):
        features, values = read(path, tmp_path, **how)
        np.testing.assert_allclose(values["f"], V, rtol=1e-6)
        assert "12 columns, f0 … f11, are the layer f, in the order of their numbers" in features.meta["notices"]
    given = read(Path(features_file(table[[*reversed(table.columns)]].drop(columns="age"), tmp_path)), tmp_path)[1]
    np.testing.assert_allclose(given["features"], V, rtol=1e-6)
    assert by_number(["f2", "age", "f0", "g1", "f1"]) == ["f0", "age", "f1", "g1", "f2"]


def test_numbers_without_a_column_are_told(tmp_path) -> None:
    features, values = read(saved(tmp_path, frame().drop(columns=["f2", "f3"]), ".csv"), tmp_path)
    np.testing.assert_allclose(values["f"], np.delete(V, [2, 3], axis=1), rtol=1e-6)
    assert "10 columns, f0 … f11, are the layer f; 2 numbers between f0 and f11 without a column, first f2" in (
        features.meta["notices"])  # fmt: skip


def test_patterns_choose_the_columns(tmp_path) -> None:
    path = saved(tmp_path, frame(width=V[:, 0], height=V[:, 1]), ".csv")
    features, values = read(path, tmp_path, columns=("f*", "[wh]*"))
    assert features.widths == {"f": 12, "wh": 2}
    np.testing.assert_allclose(values["wh"], V[:, :2], rtol=1e-6)
    assert read(path, tmp_path, columns=("*",))[0].widths == {"features": 14}
    with pytest.raises(InputError, match=r"--columns g\* names 0 columns of numbers"):
        read(path, tmp_path, columns=("g*",))
    with pytest.raises(InputError, match=r"no columns of a layer g; known: f"):
        read(path, tmp_path, layers=("g",))


def test_ids_stand_in_another_column(tmp_path) -> None:
    table = frame().rename(columns={"item_id": "file"})
    for kind in (".parquet", ".csv"):
        path = saved(tmp_path, table, kind)
        assert read(path, tmp_path, id_column="file")[0].ids.tolist() == IDS
        with pytest.raises(InputError, match=r"no column item_id.*--id-column names the one"):
            read(path, tmp_path)
    lists = pd.DataFrame({"file": IDS, "emb": V.tolist()})
    assert read(saved(tmp_path, lists, ".parquet"), tmp_path, id_column="file")[0].widths == {"emb": 12}
    texts = saved(tmp_path, pd.DataFrame({"doc": IDS, "text": ["a text"] * 40}), ".csv")
    assert read_data(texts, id_column="doc").ids.tolist() == IDS
    numbered = read_data(texts)
    assert numbered.ids.tolist()[:2] == ["i0000", "i0001"]
    assert "has no column item_id: its rows are called i0000, …; --id-column names a column of ids (doc could be)" in numbered.notices[0]


def test_a_missing_number_is_refused_or_dropped(tmp_path) -> None:
    holed = frame()
    holed.loc[[3, 7], "f2"] = np.nan
    for kind in (".parquet", ".csv"):
        path = saved(tmp_path, holed, kind)
        with pytest.raises(InputError, match=r"in 2 of 40 rows, first in row 3 \(item_id 00003\).*--drop-bad"):
            read(path, tmp_path)
        assert len(read(path, tmp_path, drop_bad=True)[0]) == 38


@pytest.mark.parametrize("table", [
    pd.DataFrame({"item_id": IDS, "text": ["a"] * 40}), pd.DataFrame({"item_id": IDS, "age": range(40)}),
])  # fmt: skip
def test_a_table_without_features_is_refused(tmp_path, table) -> None:
    with pytest.raises(InputError, match=r"has no features.*--columns"):
        read(saved(tmp_path, table, ".csv"), tmp_path)


def test_a_broken_csv_is_named(tmp_path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("item_id,f0,f1\na,1,2\nb,3\n")
    with pytest.raises(InputError, match=r"f\.csv, line 3 has 2 fields, the head of the file has 3"):
        read(path, tmp_path)


@pytest.mark.parametrize(("content", "reason"), [
    (b"item_id,f0,f1,f2\na,1,2,3\nb,1,x,3\nc,1,2,3\n", "column f1 holds the text 'x' in row 1, a number is wanted; --columns names"),
    ("item_id,f0,f1,n\u00e4me\na,1,2,3\n".encode("latin-1"), r"line 1 is not UTF-8: byte 0xe4 .*iconv"),
    (b"item_id,f0,f1\na,1,2\n\"b,1,2\nc,1,2\n", "line 3: a quote that is opened here is never closed"),
    (b"\x89PNG\r\n\x1a\n", r"f\.csv is a PNG picture, not a table of features"),
])  # fmt: skip
def test_a_fault_in_a_table_of_features_is_named_with_its_place(tmp_path, content, reason) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        read(path, tmp_path)
    pd.DataFrame({"item_id": list("abc"), "f0": ["1", "x", "2"], "f1": [1, 2, 3], "f2": [1, 2, 3]}).to_parquet(tmp_path / "f.parquet")
    with pytest.raises(InputError, match="column f0 holds the text 'x' in row 1, a number is wanted"):
        read(tmp_path / "f.parquet", tmp_path)


def labels(folder: Path, table: pd.DataFrame, **how: object) -> Path:
    table.to_csv(folder / "labels.csv", **{"index": False, **how})
    return folder / "labels.csv"


def test_an_index_column_and_other_columns_are_passed_over(tmp_path) -> None:
    table = pd.DataFrame({"item_id": IDS[:3], "class": ["a", "b", "a"], "sure": [1.0, 0.5, 1.0]})
    said = read_label_file(labels(tmp_path, table, index=True), set(IDS))
    assert ([(row.item_id, row.name) for row in said.rows], said.empty) == ([("00000", "a"), ("00001", "b"), ("00002", "a")], 0)


def test_what_pandas_writes_for_nothing_is_skipped_and_counted(tmp_path) -> None:
    nothing = [None, np.nan, "nan", "None", "NA", "<NA>", "NaN", "a"]
    path = labels(tmp_path, pd.DataFrame({"item_id": IDS[:8], "class": nothing}))
    said = read_label_file(path, set(IDS))
    assert ([row.name for row in said.rows], said.empty) == (["a"], 7)
    said = read_label_file(path, set(IDS), classes=("None", "a"))  # a class that is called so
    assert ([row.name for row in said.rows], said.empty) == (["None", "a"], 6)


def test_labels_in_parquet_are_read_by_the_same_rules(tmp_path) -> None:
    path = tmp_path / "labels.parquet"
    given = pd.DataFrame({"item_id": IDS[:3], "class": ["a, b", None, "not:c"], "f0": [0.5] * 3, "e": [[1.0]] * 3})
    given.set_index("item_id").to_parquet(path)
    said = read_label_file(path, set(IDS))
    assert ([(row.name, row.tick) for row in said.rows], said.empty) == ([("a, b", False), ("c", True)], 1)
    pd.DataFrame({"item_id": IDS[:2], "class": [3, 4]}).to_parquet(path)
    assert [row.name for row in read_label_file(path, set(IDS)).rows] == ["3", "4"]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"labels\.parquet cannot be read as Parquet"):
        read_label_file(path, set(IDS))


def test_whole_numbers_that_became_fractions_are_named_with_the_number_meant(tmp_path) -> None:
    path = labels(tmp_path, pd.DataFrame({"item_id": IDS[:3], "class": [3, None, 4]}))
    with pytest.raises(InputError, match=r"labels\.csv:2: the class is '3\.0'.*is 3 meant.*Int64"):
        read_label_file(path, set(IDS))
    assert len(read_label_file(path, set(IDS), classes=("3.0", "4.0")).rows) == 2


def test_other_names_of_columns(tmp_path) -> None:
    path = labels(tmp_path, pd.DataFrame({"file": IDS[:2], "what": ["a", "b"]}), sep="\t")
    assert len(read_label_file(path, set(IDS), "file", "what").rows) == 2
    with pytest.raises(InputError, match=r"no column item_id.*--id-column names another"):
        read_label_file(path, set(IDS))
    with pytest.raises(InputError, match=r"no column class.*--class-column names another"):
        read_label_file(path, set(IDS), "file")


@pytest.mark.parametrize(("ids", "known", "reason"), [
    ([7, 8], IDS, r"no item '7' in the pool; '00007' is there: its leading zeros were lost .*dtype=str"),
    (["007"], ["7", "8"], r"no item '007' in the pool; is '7' meant\? It has 2 zeros less before it"),
    ([7.0, None], ["7", "8"], r"no item '7\.0' in the pool; '7' is there: it was read as a number"),
    ([0, 1], [f"i{n:04d}" for n in range(40)], r"no item '0' in the pool; is 'i0000' meant\? Where a pool brings no ids"),
    (["catt"], ["cat", "dog"], r"no item 'catt' in the pool; did you mean cat"),
])  # fmt: skip
def test_ids_that_changed_on_the_way_are_named_with_the_reason(tmp_path, ids, known, reason) -> None:
    path = labels(tmp_path, pd.DataFrame({"item_id": ids, "class": "a"}).dropna())
    with pytest.raises(InputError, match=reason):
        read_label_file(path, frozenset(known))
