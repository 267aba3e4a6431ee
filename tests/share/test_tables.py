from __future__ import annotations

import csv
import json
from collections import Counter

import pandas as pd
import pytest

from kgkt.errors import InputError
from kgkt.share import tables
from kgkt.store.snapshot import Node, Snapshot
from tests.share.awkward import CONCEPTS, NAMES, SIMILAR, WHOLE


def test_csv_is_read_again_by_pandas(tmp_path):
    notes = tables.write_csv(WHOLE, tmp_path / "csv")
    assert sorted(path.name for path in (tmp_path / "csv").iterdir()) == [
        "Concept.csv", "Graph.csv", "LIKES%2F..%2F%60x%60.csv", "SIMILAR_TO.csv"]
    concepts = pd.read_csv(tmp_path / "csv" / "Concept.csv", keep_default_na=False)
    assert concepts["id"].tolist() == [node.id for node in CONCEPTS]
    assert concepts["name"].tolist() == list(NAMES)
    assert concepts["size"].tolist() == list(range(len(NAMES)))
    assert concepts["active"].tolist() == [i % 2 == 0 for i in range(len(NAMES))]
    assert [json.loads(text) for text in concepts["note"]] == [node.properties["note"] for node in CONCEPTS]
    similar = pd.read_csv(tmp_path / "csv" / "SIMILAR_TO.csv")
    assert similar["weight"].tolist() == [edge.properties["weight"] for edge in SIMILAR]
    assert similar["start"].tolist() == [edge.start for edge in SIMILAR]
    assert notes == {tables.LISTS: 2 * len(NAMES) + 1}


def test_an_empty_text_and_no_text_differ(tmp_path):
    nodes = tuple(Node(f"g/item/{i}", ("Item",), {"key": f"g/item/{i}", "text": text})
                  for i, text in enumerate(("", None, "a")))
    tables.write_csv(Snapshot("g", nodes, ()), tmp_path / "csv")
    lines = (tmp_path / "csv" / "Item.csv").read_text().splitlines()
    assert lines == ['"id","key","text"', '"g/item/0","g/item/0",""', '"g/item/1","g/item/1",', '"g/item/2","g/item/2","a"']


def head(path):
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def test_import_headers_carry_types(tmp_path):
    tables.write_admin_import(WHOLE, tmp_path / "adm")
    assert head(tmp_path / "adm" / "Concept.csv") == [
        "key:ID", "active:boolean", "centroid:double[]", "empty:string", "graph:string", "name:string", "note:string",
        "size:long", "x:double", ":LABEL"]
    assert head(tmp_path / "adm" / "SIMILAR_TO.csv") == [":START_ID", ":END_ID", "cosine:double", "weight:double", ":TYPE"]
    assert (tmp_path / "adm" / "import.args").read_text().splitlines() == [
        "--nodes=Graph.csv", "--nodes=Concept.csv", "--relationships=LIKES%2F..%2F%60x%60.csv",
        "--relationships=SIMILAR_TO.csv", "--multiline-fields=true", "--id-type=string"]


@pytest.mark.parametrize(("values", "kind", "column"), [
    ([1, 2.5, None], "double", [1.0, 2.5, None]),
    ([True, 1], "string", ["true", "1"]),
    (["a", 1], "string", ["a", "1"]),
    ([[1, 2], None, []], "long[]", ["1;2", None, ""]),
    ([["a;b"], ["c"]], "string", ['["a;b"]', '["c"]']),
    ([["a"], ["b", "c"]], "string[]", ["a", "b;c"]),
    ([{"a": 1}], "string", ['{"a": 1}']),
    ([None, None], "string", [None, None]),
])
def test_a_column_has_the_type_that_all_its_values_have(values, kind, column):
    assert tables._column(values, Counter()) == (kind, column)


def test_a_folder_that_exists_is_replaced_only_when_told_to_and_only_if_it_is_an_export(tmp_path):
    folder = tmp_path / "out"
    tables.write_csv(WHOLE, folder)
    (folder / "Old.csv").write_text("old")
    with pytest.raises(InputError, match="out exists: --force replaces it"):
        tables.write_csv(WHOLE, folder)
    assert (folder / "Old.csv").exists()
    tables.write_csv(WHOLE, folder, force=True)
    assert not (folder / "Old.csv").exists()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"holds other things \(thesis.tex\): name a folder of its own"):
        tables.write_csv(WHOLE, folder, force=True)
    with pytest.raises(InputError, match="is a file; name a folder"):
        tables.write_csv(WHOLE, folder / "thesis.tex")
    assert (folder / "thesis.tex").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failed_write_leaves_the_old_folder(tmp_path):
    folder = tmp_path / "out"
    tables.write_csv(WHOLE, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    bad = Node("g/item/a", ("Item",), {"key": "g/item/a", "note": {"a": object()}})
    with pytest.raises(TypeError):
        tables.write_csv(Snapshot("g", (bad,), ()), folder, force=True)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_place_without_permission_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        tables.write_csv(WHOLE, tmp_path / "file" / "out")
