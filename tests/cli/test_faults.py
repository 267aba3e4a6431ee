"""Bad input and faults, as a user meets them: one line, the right exit code, nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import Kgkt, write_labels

HEAVY = ("tensorflow", "keras", "sklearn", "scipy", "numpy", "pyarrow", "kglite", "neo4j", "networkx", "matplotlib", "PIL",
         "torch", "transformers", "sentence_transformers", "rich")


def spawn(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """The command line in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from kgkt.cli import main; main()", *arguments], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom kgkt.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for verb in ("Start:", "init", "check", "populate", "run", "query", "suggest", "Teach:", "label", "propagate", "map", "fuse"):
        assert verb in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["suggest"], 3, "no graph main in kgkt-run: run kgkt populate first"),
        (["populate"], 2, "where do the features come from?"),
        (["populate", "--model", "a.keras", "--features", "f.npy"], 2, "not both"),
        (["populate", "--features", "none.npy"], 3, "none.npy"),
        (["populat"], 2, "populate"),
        (["check", "--recipe", "none.toml"], 3, "none.toml is not there"),
        (["query", "--list", "--format", "xml"], 2, "--format 'xml'"),
        (["populate", "--features", "f.npy", "--graph", "../x"], 3, "graph name"),
        (["populate", "--features", "f.npy", "--store", "mysql://x"], 2, "mysql://x"),
    ],
)
def test_wrong_commands(home: Path, kgkt: Kgkt, arguments: list[str], code: int, says: str) -> None:
    np.save("f.npy", np.random.default_rng(0).normal(size=(60, 8)))
    done = kgkt(*arguments)
    assert done.code == code, done.err
    assert says in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sorce]\n", "unknown key 'sorce'; did you mean source or store?"),
        ("[source]\nmodle = 'a'\n", "unknown key 'modle' in [source]; did you mean model?"),
        ("[concepts]\nk = 'many'\n", "concepts.k must be a whole number, received 'many'"),
        ("[concepts\n", "is not valid TOML"),
        ("[target]\nmap = 1\n", "target.map must be true or false"),
    ],
)
def test_wrong_recipes(home: Path, kgkt: Kgkt, text: str, says: str) -> None:
    Path("kgkt.toml").write_text(text)
    done = kgkt("check")
    assert done.code == 3
    assert says in done.err


def test_init_writes_a_recipe_that_reads_back(home: Path, kgkt: Kgkt) -> None:
    from kgkt.recipe import Recipe, read_recipe

    assert kgkt("init").code == 0
    recipe = read_recipe()
    assert recipe == Recipe(path=Path("kgkt.toml"))  # what is on changes nothing
    lines = [line.removeprefix("# ") if " = " in line else line for line in Path("kgkt.toml").read_text().splitlines()]
    Path("all.toml").write_text("\n".join(lines))
    recipe = read_recipe(Path("all.toml"))
    assert (recipe.graph, recipe.source.layers, recipe.target.steps) == ("main", ("mid", "emb"), 400)
    assert (recipe.source.data, recipe.target.out, recipe.teach.prior["dog"]) == ("pool.npz", "b-fused.keras", 0.3)
    assert "exists: --force replaces it" in kgkt("init").err


def test_a_fresh_recipe_does_not_stand_in_the_way_of_flags(
    labelled: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("kgkt-run").rename("demo")
    Path("beside").mkdir()
    monkeypatch.chdir("beside")
    assert kgkt("init").code == 0
    there = ("--dir", "../demo")
    assert kgkt("suggest", *there, "-n", 2).code == kgkt("propagate", *there).code == 0
    fused = kgkt("fuse", *there, "--target", "../b.keras", "--out", "f.keras", "--steps", 5)
    assert fused.code == 0, fused.err
    made = kgkt("populate", "--features", "../demo/main/features.parquet", "--graph", "again")
    assert made.code == 0, made.err


def test_nan_is_refused_by_row_and_dropped_on_request(home: Path, kgkt: Kgkt) -> None:
    X = np.random.default_rng(0).normal(size=(200, 8))
    X[[17, 40], 3] = [np.nan, np.inf]
    np.savez("f.npz", emb=X, item_id=[f"r{i}" for i in range(200)])
    refused = kgkt("populate", "--features", "f.npz")
    assert refused.code == 3
    assert "r17" in refused.err
    assert "2" in refused.err
    assert not Path("kgkt-run/main/features.parquet").exists()
    done = kgkt("populate", "--features", "f.npz", "--drop-bad")
    assert done.code == 0
    assert done.json["items"] == 198
    assert "2" in done.err


def test_fewer_items_than_concepts(home: Path, kgkt: Kgkt) -> None:
    np.save("f.npy", np.random.default_rng(0).normal(size=(30, 8)))
    done = kgkt("populate", "--features", "f.npy", "--concepts", 50)
    assert (done.code, "50 concepts from 30 items" in done.err) == (3, True)


def test_equal_rows_and_zero_rows(home: Path, kgkt: Kgkt) -> None:
    np.save("same.npy", np.ones((40, 8)))
    done = kgkt("populate", "--features", "same.npy", "--graph", "same")
    assert done.code == 0, done.err
    assert done.json["concepts"] == 1
    assert "only 1 of 40 items differ: 1 concept instead of 13" in done.err
    rows = kgkt("query", "MATCH (c:Concept) RETURN c.name UNION ALL MATCH (c:Concept) RETURN c.name", "--graph", "same", "--rows", 1)
    assert "cut at 1 row: add LIMIT" in rows.err
    Path("one.toml").write_text('[source]\nfeatures = "same.npy"\n[concepts]\nk = 1\n')
    assert "populate 40 x (8) into 1 concept, about" in kgkt("check", "--recipe", "one.toml", "--format", "table").out
    X = np.random.default_rng(0).normal(size=(60, 8))
    X -= X.mean(axis=0)
    X[:5] = 0
    X[5:] -= X[5:].mean(axis=0)
    np.save("zero.npy", X)
    done = kgkt("populate", "--features", "zero.npy", "--graph", "zero")
    assert done.code == 0, done.err
    bad = kgkt("query", "MATCH (:Concept)-[s:SIMILAR_TO]-() WHERE s.weight IS NULL OR s.cosine IS NULL OR s.cosine <> s.cosine RETURN count(s)", "--graph", "zero")
    assert bad.json["rows"] == [[0]]


def test_unknown_layer_names_the_nearest(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("populate", "--model", "a.keras", "--layers", "mdi", "--data", "pool.npz", "--graph", "g")
    assert (done.code, "did you mean mid" in done.err) == (3, True)


def test_a_and_the_data_disagree(populated: Path, kgkt: Kgkt) -> None:
    np.savez("wide.npz", x=np.zeros((50, 9, 9, 1), np.float32))
    done = kgkt("populate", "--model", "a.keras", "--layers", "mid", "--data", "wide.npz", "--graph", "g")
    assert done.code == 3
    assert "9" in done.err
    assert "8" in done.err
    problems = kgkt("check", "--model", "a.keras", "--layers", "mid", "--data", "wide.npz")
    assert problems.code == 3


def test_check_for_programs(labelled: Path, kgkt: Kgkt, digits: Any) -> None:
    np.savez("flat.npz", x=digits.pool_x[..., 0], item_id=digits.pool_ids)  # A gets the missing axis of one channel
    named = ("--model", "a.keras", "--layers", "mid,emb", "--data", "flat.npz")
    found = kgkt("check", *named).json
    a, pool, plan, store, made, classes = found["facts"]
    assert {name: a[name] for name in ("kind", "path", "weights", "input", "outputs", "activation")} == {
        "kind": "model", "path": "a.keras", "weights": 21546, "input": [8, 8, 1], "outputs": 10, "activation": "softmax"}
    assert (a["layers"]["mid"], a["layers"]["emb"]) == ([8, 8, 32], [32])
    assert {name: pool[name] for name in ("kind", "items", "shape", "dtype", "notices")} == {
        "kind": "data", "items": 600, "shape": [8, 8], "dtype": "float32", "notices": []}
    assert (plan["items"], plan["layers"], plan["concepts"]) == (600, {"mid": 512, "emb": 32}, 60)
    assert plan["features_bytes"] == 600 * (512 + 32) * 4
    assert plan["memory_bytes"] == pytest.approx(found["memory_mb"] * 1e6, rel=1e-3)
    assert (store["url"], store["texts_leave"]) == ("kglite:kgkt-run/graph.kgl", False)
    assert (classes["classes"], classes["frozen"]) == ([str(i) for i in range(10)], False)
    ran = found["stages"]["populate"]
    assert (ran["stale"], ran["why"]) == (True, ["data"])
    assert 0 < ran["seconds"] < 600
    assert made == {"what": "populate", "says": f"ran {ran['ran']}   stale: data", "kind": "stage", **ran}
    assert found["stages"]["fuse"] == {"ran": None, "stale": True, "why": ["never ran"], "seconds": None}
    fresh = kgkt("check", *named[:-1], "pool.npz").json
    assert (fresh["stages"]["populate"]["stale"], fresh["stale"]) == (False, {"populate": []})
    broken = kgkt("check", "--model", "none.keras")
    assert (broken.code, broken.json["facts"][0]["kind"]) == (3, "problem")


def test_b_with_other_classes_is_refused_with_both_lists(labelled: Path, kgkt: Kgkt) -> None:
    from kgkt.source.quiet import keras

    k = keras()
    k.Sequential([k.Input((8, 8, 1)), k.layers.Flatten(), k.layers.Dense(8, activation="softmax")]).save("eight.keras")
    done = kgkt("fuse", "--target", "eight.keras", "--out", "x.keras")
    assert done.code == 3
    assert "eight.keras has 8 outputs, your graph has 10 classes" in done.err
    assert "0 1 2 3 4 5 6 7 8 9" in done.err
    assert not Path("x.keras").exists()


@pytest.mark.parametrize(("command", "said"), [
    (("map",), "nothing is labelled yet"), (("fuse", "--out", "x.keras"), "nothing is labelled yet"),
    *((("fuse", "--method", "rows", "--out", "x.keras", *more), said) for more, said in (
        (("--rank", "many"), "--rank many: expected a number"), (("--rank", "-3"), "--rank -3: expected 0 or more"),
        (("--row-norm", "0"), "--row-norm 0: expected a number above 0"), (("--projection", "pac"), "did you mean pca"))),
])  # fmt: skip
def test_what_needs_no_open_b_is_refused_before_it_is_opened(
    populated: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], said: str
) -> None:
    Path("b.keras").touch()
    monkeypatch.setattr("kgkt.source.models.open_model", lambda *_: pytest.fail("B was opened"))
    done = kgkt(*command, "--target", "b.keras")
    assert done.code in (2, 3)
    assert said in done.err


def test_a_gain_below_the_bar_is_exit_6(labelled: Path, kgkt: Kgkt) -> None:
    done = kgkt("fuse", "--target", "b.keras", "--out", "x.keras", "--test", "test.npz", "--require-gain", 90)
    assert done.code == 6
    assert "asked for at least 90.0" in done.err
    assert Path("x.keras").exists()


def test_outputs_are_not_replaced_unasked(labelled: Path, kgkt: Kgkt) -> None:
    Path("x.keras").write_text("mine")
    done = kgkt("fuse", "--target", "b.keras", "--out", "x.keras")
    assert done.code == 3
    assert Path("x.keras").read_text() == "mine"
    own = kgkt("fuse", "--target", "b.keras", "--out", "b.keras", "--force")
    assert own.code == 3
    Path("items.csv").write_text("mine")
    assert kgkt("propagate", "--items", "items.csv").code == 3
    assert Path("items.csv").read_text() == "mine"
    assert kgkt("propagate", "--items", "items.csv", "--force").code == 0
    Path("folder").mkdir()
    assert kgkt("propagate", "--items", "folder", "--force").code == 3


OUTPUTS = [
    ("fuse", "--target", "b.keras", "--out", "{}/f.keras"),
    ("propagate", "--items", "{}/items.csv"),
    ("suggest", "--out", "{}/todo.csv"),
    ("suggest", "--show", "{}/todo"),
    ("evaluate", "--truth", "labels.csv", "--out", "{}/report"),
    ("init", "{}/kgkt.toml"),
    *(("export", f"--{form}", "{}/x") for form in ("graphml", "gexf", "json", "csv", "admin-import", "points", "grass")),
    ("export", "--to", "kglite:{}/x.kgl"),
]


@pytest.mark.parametrize("command", OUTPUTS, ids=lambda c: " ".join(c[:-1]))
def test_a_misspelt_folder_of_an_output_is_refused_and_not_made(labelled: Path, kgkt: Kgkt, command: tuple[str, ...]) -> None:
    done = kgkt(*(part.format("no/such") for part in command))
    assert done.code == 3
    assert done.err.startswith("kgkt: no/such/")
    assert f"cannot be written: there is no folder {labelled}/no/such; make it, or name another place" in done.err
    assert not Path("no").exists()
    assert not Path("kgkt-run/main/targets.parquet").exists()  # nothing was done for it


def test_a_run_directory_is_made_with_its_parents(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("populate", "--model", "a.keras", "--layers", "emb", "--data", "pool.npz", "--dir", "deep/down")
    assert done.code == 0
    assert {path.name for path in Path("deep/down").iterdir()} >= {"graph.kgl", "main"}


def test_a_folder_that_cannot_be_written_is_found_before_the_work(labelled: Path, kgkt: Kgkt) -> None:
    for command in (("fuse", "--target", "b.keras", "--out", "/proc/f.keras"), ("propagate", "--items", "/proc/items.csv"),
                    ("suggest", "--out", "/proc/todo.csv"), ("export", "--points", "/proc/points.parquet")):
        done = kgkt(*command)
        assert done.code == 3
        assert f"{command[-1]} cannot be written: " in done.err
        assert not Path("kgkt-run/main/targets.parquet").exists()
    Path("kgkt.toml").write_text(
        '[source]\nmodel = "a.keras"\nlayers = ["mid", "emb"]\ndata = "pool.npz"\n[teach]\nlabels = "labels.csv"\n'
        '[target]\nmodel = "b.keras"\nout = "fused/b.keras"\n')
    done = kgkt("run")
    assert (done.code, done.out) == (3, "")
    assert f"fused/b.keras cannot be written: there is no folder {labelled}/fused" in done.err
    assert not Path("kgkt-run/main/targets.parquet").exists()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([("i0000", "1"), ("nobody", "2")], "l.csv:3: no item 'nobody' in the pool"),
        ([("i0000", "1"), ("i0000", "2")], "l.csv:3: i0000 is '2' here and '1' at l.csv:2"),
        ([("i0000", "not:")], "the class of i0000 is empty"),
        ([("i0000", "1"), ("i0000", "not:1")], "i0000 is given '1' and denied it"),
        ([("i0000", "")], "holds no label (1 row, no class filled in)"),
    ],
)
def test_bad_labels(populated: Path, kgkt: Kgkt, rows: list[tuple[str, str]], says: str) -> None:
    write_labels(Path("l.csv"), rows)
    done = kgkt("label", "--file", "l.csv")
    assert done.code == 3
    assert says in done.err
    assert kgkt("query", "MATCH ()-[l:LABELLED]->() RETURN count(l)").json["rows"] == [[0]]


def test_rows_without_a_class_are_counted(populated: Path, kgkt: Kgkt) -> None:
    assert kgkt("suggest", "-n", 15, "--out", "todo.csv").code == 0
    head, *lines = Path("todo.csv").read_text().splitlines(keepends=True)
    Path("todo.csv").write_text("".join([head, *(line.replace(",", ",a", 1) for line in lines[:3]), *lines[3:]]))
    done = kgkt("label", "--file", "todo.csv", "--format", "table")
    assert done.out.splitlines()[0] == "3 labels; 1 class now.  12 rows without a class skipped.   next: kgkt propagate", done.err
    write_labels(Path("m.csv"), [("i0003", "a"), ("i0004", " ")])
    assert kgkt("label", "--file", "m.csv").json["skipped"] == 1
    assert kgkt("label", "i0005=a").json["skipped"] == 0


def test_label_files_of_other_programs(populated: Path, kgkt: Kgkt) -> None:
    Path("excel.csv").write_bytes('\ufeffitem_id;class\r\ni0000;"a ""b"""\r\ni0001;ü\r\n'.encode())
    assert kgkt("label", "--file", "excel.csv").json["classes"] == ['a "b"', "ü"]
    Path("latin.csv").write_bytes("item_id,class\ni0002,ü\n".encode("latin-1"))
    assert "latin.csv:2 is not UTF-8" in kgkt("label", "--file", "latin.csv").err
    Path("ragged.csv").write_text("item_id,class\ni0002,a,b\n")
    assert "ragged.csv:2 has 3 fields" in kgkt("label", "--file", "ragged.csv").err
    Path("other.csv").write_text("item,class\ni0002,a\n")
    assert "no column item_id; did you mean item?" in kgkt("label", "--file", "other.csv").err


@pytest.mark.parametrize("name", ["Robby' DETACH DELETE n //", "</script><img onerror=x>", "`x`", "a\u202eb", "🙂", "x" * 5000])
def test_hostile_class_names_are_data(populated: Path, kgkt: Kgkt, name: str) -> None:
    before = kgkt("query", "MATCH (n) RETURN count(n)").json["rows"][0][0]
    assert kgkt("label", f"i0000={name}").code == 0
    assert kgkt("query", "MATCH (:Item)-[:LABELLED]->(k) RETURN k.name").json["rows"] == [[name]]
    assert kgkt("query", "MATCH (n) RETURN count(n)").json["rows"][0][0] in (before + 1, before + 2)
    shown = kgkt("query", "MATCH (k:Class) RETURN k.name", "--format", "table").out
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MATCH (c:Concept) SET c.active = false", 5),
        ("CREATE (:X {name: 'x'})", 5),
        ("LOAD CSV FROM 'file:///etc/passwd' AS row RETURN row", 5),
        ("CALL apoc.load.json('x') YIELD value RETURN value", 5),
        pytest.param("RETURN reduce(s = 'a', x IN range(1, 60) | s + s)", 3, marks=pytest.mark.slow),
        ("MATCH (c:Concept RETURN c", 3),
    ],
)
def test_queries_that_are_refused_change_nothing(populated: Path, kgkt: Kgkt, text: str, code: int) -> None:
    before = Path("kgkt-run/graph.kgl").read_bytes()
    done = kgkt("query", text)
    assert done.code == code
    assert "Traceback" not in done.err
    assert Path("kgkt-run/graph.kgl").read_bytes() == before


def test_the_caret_stands_below_the_place_of_a_syntax_error(populated: Path, kgkt: Kgkt) -> None:
    for text in ("MATCH (c:Concept)   WHERE c.name =  RETURN    c", "MATCH (c:Concept)\tWHERE\tc.name =  RETURN \t c"):
        first, line, caret = kgkt("query", text).err.splitlines()
        assert first.startswith(f"kgkt: Cypher syntax error at line 1, col {text.index('RETURN') + 1}: ")
        assert line == "   " + text.replace("\t", " ")
        assert caret.index("^") == line.index("RETURN")


def test_a_query_that_takes_too_long_is_stopped(populated: Path, kgkt: Kgkt) -> None:
    start = time.monotonic()
    done = kgkt("query", "MATCH (a), (b), (c), (d) RETURN count(*)", "--seconds", 1)
    assert done.code == 3
    assert "stopped after 1 s" in done.err
    assert time.monotonic() - start < 20


def test_rows_cut_at_the_limit_are_said(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("query", "MATCH (c:Concept) RETURN c.name", "--rows", 5)
    assert (len(done.json["rows"]), done.json["truncated"]) == (5, True)
    assert "cut at 5 rows" in done.err


def test_writing_off_a_terminal_needs_force(populated: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: SIM115
    done = kgkt("query", "MATCH (c:Concept) SET c.active = false", "--rw")
    sys.stdin.close()
    assert (done.code, "say --force too" in done.err) == (5, True)


def test_a_write_says_what_it_changed(populated: Path, kgkt: Kgkt) -> None:
    off = "MATCH (c:Concept) WHERE c.key ENDS WITH '/7' SET c.active = false"
    asked = "MATCH (c:Concept) WHERE NOT c.active RETURN count(c) AS n"
    tried = kgkt("query", off, "--rw", "--dry-run")  # changes nothing, so it asks for no --force
    assert tried.json["dry_run"] is True
    assert {name: n for name, n in tried.json["written"].items() if n} == {"properties_set": 1}
    done = kgkt("query", off, "--rw", "--dry-run", "--format", "table")
    assert (done.out, done.err) == ("", "dry run, nothing is kept: 1 property set\n")
    assert kgkt("query", asked).json == {"columns": ["n"], "rows": [[0]], "truncated": False}
    both = kgkt("query", f"{off}; MATCH (c:Concept) WHERE c.size < 0 SET c.size = 0", "--rw", "--force", "--format", "table")
    assert (both.out, both.err) == ("", "1 property set\nnothing was changed\n")
    assert kgkt("query", asked).json["rows"] == [[1]]
    made = kgkt("query", "CREATE (n:Note {name: 'a'})-[:NEAR]->(m:Note {name: 'b'}) RETURN n.name", "--rw", "--force", "--format", "table")
    assert (made.out, made.err) == ("n.name\na\n", "2 nodes created, 1 relationship created\n")


def test_a_dry_run_needs_one_statement_that_writes(populated: Path, kgkt: Kgkt) -> None:
    done = kgkt("query", "MATCH (c:Concept) RETURN c", "--dry-run")
    assert (done.code, done.err) == (2, "kgkt: --dry-run is for statements that write: add --rw\n")
    done = kgkt("query", "CREATE (:Note); CREATE (:Note)", "--dry-run", "--rw")
    assert (done.code, done.err) == (2, "kgkt: --dry-run tries one statement, and here are 2: try them one by one\n")


def test_everything_switched_off(labelled: Path, kgkt: Kgkt) -> None:
    kgkt("query", "MATCH (c:Concept) SET c.active = false", "--rw", "--force")
    done = kgkt("propagate")
    assert (done.code, "every concept is switched off" in done.err) == (3, True)


def test_nothing_labelled(populated: Path, kgkt: Kgkt) -> None:
    for shares in ((), ("--balanced",), ("--prior", "cat=1")):
        done = kgkt("propagate", *shares)
        assert (done.code, "nothing is labelled yet" in done.err) == (3, True)
    assert "the graph has one source, which carries every concept" in kgkt("query", "carried").err
    one = kgkt("label", "i0000=a", "--file", "a.csv", "--file", "b.csv")
    assert (one.code, "one --file at a time, received 2: a.csv, b.csv" in one.err) == (2, True)


def test_hints_find_the_same_graph(populated: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch) -> None:
    away = populated / "away"
    away.mkdir()
    monkeypatch.chdir(away)
    kgkt("label", "i0000=cat", "i0001=dog", "--dir", "../kgkt-run")
    told = kgkt("label", "i0000=dog", "--dir", "../kgkt-run", "--format", "table").out
    assert "next: kgkt propagate --dir ../kgkt-run\n" in told
    assert told.endswith("undo: kgkt undo --dir ../kgkt-run\n")
    monkeypatch.setenv("KGKT_DIR", "../kgkt-run")
    assert kgkt("label", "i0002=dog", "--format", "table").out.endswith("undo: kgkt undo\n")
    assert [row[0] for row in kgkt("graphs", "--dir", "../kgkt-run", "list").json["rows"]] == ["main"]
    assert kgkt("graphs", "--dir", "nowhere", "list").json["rows"] == []  # before what stands around the command
    digits = kgkt("name", "c017", "\uff11\uff18")  # 18, full width
    assert (digits.code, "is how concept 18 is called by its number" in digits.err) == (3, True)


@pytest.mark.parametrize("name", ["memberships.parquet", "concepts.safetensors", "embedding.safetensors", "run.json"])
def test_damaged_files_are_named(labelled: Path, kgkt: Kgkt, name: str) -> None:
    path = labelled / "kgkt-run/main" / name
    path.write_bytes(path.read_bytes()[:-40])
    done = kgkt("propagate")
    assert done.code == 3
    assert name in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("harm", ["truncated", "flipped", "empty", "other"])
def test_a_damaged_graph_is_made_anew_as_the_message_says(
    labelled: Path, kgkt: Kgkt, truth: dict[str, str], harm: str
) -> None:
    kgkt("label", f"i0000={truth['i0000']}")
    everything = "MATCH (a)-[r]->(b) RETURN type(r) AS t, count(r) AS n ORDER BY t"
    before = kgkt("query", everything).json["rows"]
    graph, edits = labelled / "kgkt-run/graph.kgl", labelled / "kgkt-run/main/edits.jsonl"
    sound = graph.read_bytes()
    half = len(sound) // 2
    graph.write_bytes({"truncated": sound[:half], "empty": b"", "other": b"<html>",
                       "flipped": sound[:half] + bytes([sound[half] ^ 255]) + sound[half + 1:]}[harm])
    populate = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
    for command in (("query", everything), ("propagate",), ("label", "i0001=1"), populate):
        done = kgkt(*command)
        assert done.code == 3
        assert "graph.kgl cannot be opened as a graph: " in done.err
        assert "move the file away and run kgkt populate for each graph that was in it" in done.err
    graph.rename(graph.with_suffix(".broken"))
    features = (labelled / "kgkt-run/main/features.parquet").stat().st_mtime_ns
    assert kgkt(*populate).code == 0
    assert (labelled / "kgkt-run/main/features.parquet").stat().st_mtime_ns == features
    assert kgkt("label", "--file", "labels.csv").json["labels"] == 20  # read again
    said = [json.loads(line)["after"]["items"] for line in edits.read_text().splitlines()]
    assert list(said[1]["i0000"]["labels"]) == [truth["i0000"]]
    assert kgkt("label", f"i0000={truth['i0000']}").code == 0
    assert kgkt("query", everything).json["rows"] == before


def test_a_read_only_place_is_said(labelled: Path, kgkt: Kgkt) -> None:
    done = kgkt("propagate", "--items", "/proc/items.csv")
    assert done.code == 3
    assert "/proc/items.csv" in done.err


def test_a_second_writer_is_told_who_holds_it(labelled: Path, kgkt: Kgkt) -> None:
    from kgkt.store.opening import open_store

    with open_store("kglite:kgkt-run/graph.kgl", write=True):
        done = kgkt("label", "i0000=1")
        assert done.code == 4
        assert str(os.getpid()) in done.err
        asked = kgkt("query", "MATCH (c:Concept) RETURN count(c)")
        assert asked.json["rows"] == [[60]]


STRUCK = """
import os, sys
from kgkt.cli import main
from kgkt.store.embedded.store import KgliteStore

at, steps, write = int(sys.argv[1]), 0, KgliteStore.write
def step():
    global steps
    if steps == at:
        os.kill(os.getpid(), 9)
    steps += 1

def look(event, arguments):  # a file is begun, or gets its final name
    if event == "os.rename" or event == "open" and ".part" in str(arguments[0]):
        step()

def counted(*arguments, **more):
    step()
    return write(*arguments, **more)

KgliteStore.write = counted
sys.addaudithook(look)
try:
    main(sys.argv[2:])
finally:
    print(steps)
"""


@pytest.mark.slow
def test_kill_in_the_middle_of_populate_and_run_again(labelled: Path, kgkt: Kgkt) -> None:
    """Killed between two of its steps, early to late, a rerun gives the same graph, and no label is lost."""
    keras = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz", "--force")
    shutil.copy("kgkt-run/main/features.parquet", "f.parquet")
    features = ("populate", "--features", "f.parquet", "--force")  # the same steps but for the reading of A, in a third of the time
    assert kgkt(*features).code == 0
    everything = "MATCH (a)-[r]->(b) RETURN type(r) AS t, count(r) AS n ORDER BY t"
    before = kgkt("query", everything).json["rows"]
    said = "MATCH (i:Item)-[:LABELLED]->(k) RETURN i.item_id AS i, k.name ORDER BY i"
    labels = kgkt("query", said).json["rows"]

    def struck(at: int, arguments: tuple[str, ...] = features) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", STRUCK, str(at), "--quiet", *arguments], cwd=labelled, text=True,
                              capture_output=True, check=False)

    whole = struck(-1)
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout.splitlines()[-1])
    assert steps > 20
    assert struck(int(0.1 * steps), keras).returncode == -signal.SIGKILL
    for part in (0.35, 0.65, 0.9):
        assert struck(int(part * steps)).returncode == -signal.SIGKILL
    done = kgkt(*features)
    assert done.code == 0, done.err
    assert kgkt("query", everything).json["rows"] == before
    assert kgkt("query", said).json["rows"] == labels
    assert not list((labelled / "kgkt-run/main").glob("*.part*"))


def test_half_written_files_of_killed_processes_are_removed(labelled: Path, kgkt: Kgkt) -> None:
    folder = labelled / "kgkt-run" / "main"
    killed = spawn(labelled, "--version")
    killed.communicate()
    dead = folder / f".run.json.{killed.pid}.abcd_x12.part.json"
    alive = folder / f".run.json.{os.getpid()}.abcd_x12.part.json"
    other = folder / ".notes.7.part"
    for path in (dead, alive, other):
        path.write_text("{")
    assert kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz", "--force").code == 0
    assert [path.exists() for path in (dead, alive, other)] == [False, True, True]


TERMINATED = """
import os, signal, sys
from kgkt.cli import main
from kgkt.store.embedded.store import KgliteStore

write, writes = KgliteStore.write, 0
def counted(*arguments, **more):
    global writes
    writes += 1
    if writes == 5:
        os.kill(os.getpid(), signal.SIGTERM)
    return write(*arguments, **more)

KgliteStore.write = counted
main(sys.argv[1:])
"""


def test_terminated_in_populate_leaves_the_old_graph(labelled: Path, kgkt: Kgkt) -> None:
    before = kgkt("query", "MATCH (n) RETURN count(n)").json["rows"]
    arguments = ("populate", "--model", "a.keras", "--layers", "mid", "--data", "pool.npz")
    done = subprocess.run([sys.executable, "-c", TERMINATED, *arguments], cwd=labelled, text=True, capture_output=True, check=False)
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr
    assert kgkt("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz").code == 0
    assert kgkt("query", "MATCH (n) RETURN count(n)").json["rows"] == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--layers", "mdi"), 3, "a.keras has no layer 'mdi'; did you mean mid?"),
        (("--layers", "mid,mid"), 3, "model a.keras: a layer is named twice in mid, mid"),
        (("--layers", "mid", "--pixels", "0-1"), 2, "--pixels 0-1; known: raw, 0..1, -1..1"),
        (("--layers", "mid", "--concepts", "601"), 3, "601 concepts from 600 items is not possible: ask for 1 to 600"),
        (("--layers", "mid", "--data", "cut.npz"), 3, "cut.npz cannot be read as .npz"),
    ],
)
def test_a_populate_that_is_refused_leaves_nothing(
    home: Path, kgkt: Kgkt, model_a: Path, pool_npz: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    Path("a.keras").write_bytes(model_a.read_bytes())
    Path("cut.npz").write_bytes(pool_npz.read_bytes()[:3000])
    done = kgkt("populate", "--model", "a.keras", "--data", pool_npz, *arguments)
    assert (done.code, says in done.err) == (code, True), done.err
    assert not Path("kgkt-run").exists()


def test_a_first_populate_that_failed_counts_as_nothing_made(home: Path, kgkt: Kgkt) -> None:
    X = np.random.default_rng(0).normal(size=(200, 8))
    X[17, 3] = np.nan
    np.savez("f.npz", emb=X)
    assert kgkt("populate", "--features", "f.npz").code == 3
    looked = kgkt("check", "--features", "f.npz")
    stages = [fact["says"] for fact in looked.json["facts"] if fact["what"] == "stages"]
    assert (looked.code, looked.err, stages) == (0, "", ["nothing made yet"])
