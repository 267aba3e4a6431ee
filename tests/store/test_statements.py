from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest

from kgkt.errors import InputError
from kgkt.store import guard, statements
from kgkt.store.load import set_active, set_merged
from kgkt.store.opening import open_store
from kgkt.store.tokens import tokenize
from tests.store.conftest import NAMES, K, fill

FOLDER = statements.folder()
FILES = sorted(FOLDER.rglob("*.cypher"))
# What is asked of the graph below, for the parameters that have no default.
GIVEN = {"examples": {"concept": "c3"}, "theme": {"theme": 1}, "bridges": {"a": 1, "b": "2"},
         "separates": {"a": 1, "b": 2}, "neighbours": {"item": "x3"}, "path": {"from": 0, "to": "c7"},
         "reaches": {"model": "b", "layer": "dense", "index": 1}, "leaning": {"class": "1"},
         "similar": {"concept": 5}, "shared": {"a": "c3", "b": 7}, "carries": {"concept": 5}, "read_diffed_by": {"graph": "other"},
         "rows_of_concept": {"concept": 3}, "concept_of_row": {"word": "dog"},
         **{name: {"model": "b", "layer": "emb"} for name in ("read_rows", "read_row_ends", "read_row_words", "count_rows", "count_row_strengths")},
         "read_reached": {"model": "b", "layer": "dense"}}


def used_params(text: str) -> set[str]:
    tokens = tokenize(text)
    return {b.text for a, b in itertools.pairwise(tokens) if a.text == "$" and a.kind == "symbol"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_declares_the_parameters_it_uses(path):
    described = statements.describe(path.stem, path.read_text(encoding="utf-8"))
    assert described.doc.endswith(".")
    assert set(described.params) == used_params(described.text)
    assert len(guard.split(described.text)) == 1


@pytest.fixture(scope="module")
def full(tmp_path_factory) -> str:
    """URL of a database with a graph that has something for every shipped query to find."""
    url = f"kglite:{tmp_path_factory.mktemp('full') / 'graph.kgl'}"
    fill(url)
    return url


@pytest.mark.parametrize("query", statements.shipped(), ids=lambda query: query.name)
def test_a_shipped_query_finds_something_and_gives_its_columns(full, query):
    params = {"graph": "main", **query.defaults, **GIVEN.get(query.name, {})}
    assert set(params) == set(query.params)
    with open_store(full) as store:
        rows = store.read(statements.load(query.name), params)
        asked = store.ask(query.text, params)
    assert rows.columns == query.columns
    assert len(rows.rows) > 0
    assert asked == rows


def test_the_answers_of_shipped_queries_are_right(full):
    def rows(name, **params):
        query = next(query for query in statements.shipped() if query.name == name)
        return store.read(statements.load(name), {"graph": "main", **query.defaults, **params}).dicts()

    with open_store(full) as store:
        assert {row["key"] for row in rows("unlabelled", limit=99)} == {
            f"main/concept/{i}" for i in set(range(K)) - {3, 5, 6}}
        assert [row["key"] for row in rows("orphans")] == ["main/concept/11"]
        assert [row["key"] for row in rows("unreached")] == ["main/concept/11"]
        assert [row["key"] for row in rows("switched_off")] == ["main/concept/6"]
        assert rows("renamed") == [{"key": "main/concept/4", "concept": "round ones", "made_as": "c4"}]
        assert rows("edited_strengths") == [{
            "key": "main/concept/2", "concept": "c2", "model": "b", "layer": "dense", "index": 2, "planned": 0.5,
            "strength": 0.25, "kind": "unit", "block": "dense 2"}, {
            "key": "main/concept/4", "concept": "round ones", "model": "b", "layer": "emb", "index": 2, "planned": 1.0,
            "strength": 0.5, "kind": "row", "block": "dog"}]
        assert [(row["word"], row["strength"]) for row in rows("rows_of_concept", concept="round ones")] == [("dog", 0.5)]
        assert rows("rows_of_concept", concept=3, model="a") == []
        assert [(row["index"], row["concept"], row["active"]) for row in rows("concept_of_row", word="dog")] == [
            (2, "round ones", True)]
        assert [row["concept"] for row in rows("concept_of_row", word="cow")] == [None]
        assert [(row["concept"], row["class"], row["mass"]) for row in rows("doubtful")] == [("c10", "0", 0.5)]
        assert rows("carries", concept="c5") == [{
            "model": "b", "measured_on": "b-fused.keras", "layer": "dense", "index": 0, "kind": "unit", "strength": 0.0,
            "planned": 0.0, "measured": 0.75}]
        idle = rows("idle", limit=99)
        assert [row["index"] for row in idle if row["layer"] == "dense"] == [1]
        assert len(idle) == 11
        reached = rows("reaches", model="b", layer="dense", index=0)
        assert [(row["concept"], row["strength"], row["measured"]) for row in reached] == [
            ("c5", 0.0, 0.75), *((f"c{i}", 0.5, None) for i in (0, 3, 6, 9))]
        assert [row["item"] for row in rows("contradicted")] == ["x5"]
        assert [(row["concept"], row["model"], row["share"], row["next_model"], row["next_share"])
                for row in rows("carried")] == [("c1", "a2", 1.0, "a", 0.125), ("c2", "a", 0.5, None, None),
                                                ("c0", "a", 0.5, "a2", 0.25)]  # fmt: skip
        assert [(row["concept"], row["into"]) for row in rows("lost")] == [("c1", "b"), ("c5", "other")]
        assert [(row["concept"], row["into"]) for row in rows("arrived")] == [("c2", "b"), ("c3", "other")]
        assert [row["concept"] for row in rows("lost", into="other")] == ["c5"]
        assert [(row["concept"], row["other"], row["overlap"], row["new"]) for row in rows("corresponding")] == [
            ("c3", "other/concept/0", 0.75, False), ("c5", "other/concept/1", 0.25, True)]
        assert [(row["key"], row["other"], row["words"], row["share"], row["back"]) for row in rows("translated")] == [
            ("main/concept/2", "other/concept/0", 9, 0.5, 0.25), ("main/concept/7", "other/concept/3", 4, 0.125, 0.5)]
        assert [(row["key"], row["other"], row["share"], row["back"])
                for row in rows("translated", graph="other", into="main")] == [
            ("other/concept/0", "main/concept/2", 0.25, 0.5), ("other/concept/3", "main/concept/7", 0.5, 0.125)]
        assert rows("translated", into="nothing") == rows("untranslated", into="nothing") == []
        assert {row["key"] for row in rows("untranslated")} == {
            f"main/concept/{i}" for i in set(range(K)) - {2, 6, 7}}  # 6 is off
        assert {row["key"] for row in rows("untranslated", graph="other")} == {"other/concept/1", "other/concept/2"}
        assert [row["item"] for row in rows("labels")] == ["x5", "x3"]
        assert [(row["item"], row["not_class"]) for row in rows("ticks")] == [("x4", "3")]
        assert [row["class"] for row in rows("classes")] == list(NAMES)
        assert rows("path", **{"from": 0, "to": 0}) == []
        assert sum(row["concepts"] for row in rows("themes")) == K
        assert rows("neighbours", item="x3")[0]["item"] != "x3"
        assert rows("similar", concept="c5") == rows("similar", concept=5)
        assert [row["concept"] for row in rows("leaning", **{"class": 1})][:2] == ["c1", "c10"]


def test_what_is_merged_into_a_concept_has_its_counterparts(tmp_path):
    url, asked = f"kglite:{tmp_path / 'graph.kgl'}", {"graph": "main", "into": "", "limit": 99}
    fill(url)
    found = []
    with open_store(url, write=True) as store:
        for change in ({}, {2: 3, 3: 4}, {2: None}):  # 2 has a counterpart; then it is off, and no part of any
            set_merged(store, "main", [(a, b) for a, b in change.items() if b is not None])
            set_active(store, "main", {a: False for a, b in change.items() if b is None})
            found.append({row[0].removeprefix("main/concept/") for row in store.read(statements.load("untranslated"), asked).rows})
    assert found[1] == found[0] - {"3", "4"}
    assert found[2] == found[0] - {"3"}


def test_an_unknown_name_gives_the_nearest():
    with pytest.raises(InputError, match=r"no query named 'unlabeled'; did you mean unlabelled or labels\?"):
        statements.load("unlabeled")


@pytest.mark.parametrize("name", ["../query/examples", "query/examples", ""])
def test_a_name_is_not_a_path(name):
    with pytest.raises(InputError, match="no query named"):
        statements.load(name)


def test_statements_are_found_in_an_installed_package_and_beside_it(tmp_path, monkeypatch):
    package = tmp_path / "kgkt"
    (package / "store").mkdir(parents=True)
    monkeypatch.setattr(statements, "__file__", str(package / "store" / "statements.py"))
    for place in (tmp_path / "cypher", package / "cypher"):
        shutil.copytree(FOLDER, place)
        statements.folder.cache_clear()
        assert statements.folder() == place
    for place in (tmp_path / "cypher", package / "cypher"):
        shutil.rmtree(place)
    statements.folder.cache_clear()
    with pytest.raises(InputError, match="install kgkt again"):
        statements.folder()
    monkeypatch.undo()
    statements.folder.cache_clear()
    assert statements.folder().name == "cypher"


def test_no_cypher_stands_in_the_python_of_the_store():
    for path in Path(statements.__file__).parent.rglob("*.py"):
        assert not re.search(r"MATCH \(\w*:\w+", re.sub(r">>> .*", "", path.read_text(encoding="utf-8"))), path
