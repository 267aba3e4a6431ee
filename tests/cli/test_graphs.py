from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Kgkt, cwd_into, kgkt_in
from tests.conftest import Once
from tests.store.conftest import edit

RUN = "from kgkt.cli import main; main()"
POPULATE = ("populate", "--model", "a.keras", "--layers", "emb", "--data", "pool.npz", "--concepts", "50")


@pytest.fixture(scope="session")
def two_once(once: Once, labelled_once: Path) -> Path:
    """A run directory with the graphs main and second; not to be changed."""

    def fill(folder: Path) -> None:
        shutil.copytree(labelled_once, folder, dirs_exist_ok=True)
        kgkt_in(folder, *POPULATE, "--graph", "second")

    return once("two-graphs", fill)


@pytest.fixture
def two(two_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same run directory, to work in."""
    shutil.copytree(two_once, tmp_path / "work")
    return cwd_into(monkeypatch, tmp_path / "work")


def names(kgkt: Kgkt, *arguments: str) -> dict[str, str]:
    rows = kgkt("graphs", "list", *arguments).json["rows"]
    return {row[0]: row[1] for row in rows}


def test_list_names_every_graph_and_where_it_is(two: Path, kgkt: Kgkt):
    found = kgkt("graphs", "list").json
    assert found["columns"] == ["graph", "state", "items", "concepts", "stability", "created_at", "store", "folder"]
    assert [row[:4] for row in found["rows"]] == [["main", "complete", 600, 60], ["second", "complete", 600, 50]]
    assert [row[6:] for row in found["rows"]] == [
        ["kglite:kgkt-run/graph.kgl", f"kgkt-run/{name}"] for name in ("main", "second")]


def test_the_format_may_stand_before_the_verb_or_alone(two: Path, kgkt: Kgkt):
    rows = kgkt("graphs", "list", "--format", "table").out
    assert rows.startswith("graph   state ")
    for arguments in (("--format", "table"), ("--format", "table", "list")):
        assert kgkt("graphs", *arguments).out == rows
    assert kgkt("graphs", "--format", "table", "list", "--format", "csv").out.startswith("graph,state,")
    assert kgkt("graphs", "--format", "table", "drop", "second", "--dry-run").out.startswith("would drop second")
    assert kgkt("graphs", "list").json["rows"]  # nothing is left of it


def test_list_of_nothing_is_empty(home: Path, kgkt: Kgkt):
    done = kgkt("graphs", "list")
    assert (done.code, done.json["rows"]) == (0, [])
    assert not Path("kgkt-run").exists()


def test_list_tells_graphs_apart_that_are_unfinished_or_half_there(two: Path, kgkt: Kgkt):
    edit("kglite:kgkt-run/graph.kgl", "MATCH (g:Graph {graph: 'main'}) SET g.complete = false")
    shutil.rmtree("kgkt-run/second")
    shutil.copytree("kgkt-run/main", "kgkt-run/third")
    assert names(kgkt) == {"main": "incomplete", "second": "complete", "third": "not in the database"}


def test_a_dry_run_counts_and_changes_nothing(two: Path, kgkt: Kgkt):
    before = {path: path.read_bytes() for path in Path("kgkt-run").rglob("*") if path.is_file()}
    gone = kgkt("graphs", "drop", "second", "--dry-run").json
    assert (gone["done"], gone["in_database"], gone["nodes"]["concepts"]) == (False, True, 50)
    files = [path for path in Path("kgkt-run/second").rglob("*") if path.is_file()]
    assert (gone["files"], gone["bytes"]) == (len(files), sum(path.stat().st_size for path in files))
    assert {path: path.read_bytes() for path in Path("kgkt-run").rglob("*") if path.is_file()} == before


def test_drop_takes_the_graph_and_its_folder_and_nothing_else(two: Path, kgkt: Kgkt):
    edit("kglite:kgkt-run/graph.kgl", "CREATE (:Item {name: 'of somebody else'})")
    def asked(text: str) -> list[list[int]]:
        return kgkt("query", text, "--graph", "main").json["rows"]

    mine, theirs, its = (f"MATCH (n) WHERE n.graph {which} RETURN count(n)"
                         for which in ("= 'main'", "IS NULL", "= 'second'"))
    kept = asked(mine)
    done = kgkt("graphs", "drop", "second")
    assert done.code == 5
    assert "dropping graph second cannot be undone; off a terminal say --force" in done.err
    counted = kgkt("graphs", "drop", "second", "--dry-run").json["nodes"]
    done = kgkt("graphs", "drop", "second", "--force")
    assert (done.code, done.json["nodes"]) == (0, counted)
    assert names(kgkt) == {"main": "complete"}
    assert (asked(mine), asked(its), asked(theirs)) == (kept, [[0]], [[1]])
    assert sorted(path.name for path in Path("kgkt-run").iterdir() if path.is_dir()) == ["main"]
    assert kgkt(*POPULATE, "--graph", "second", "--shared").code == 0


def test_what_is_not_there_cannot_be_dropped(two: Path, kgkt: Kgkt):
    done = kgkt("graphs", "drop", "secnd", "--force")
    assert (done.code, "no graph named 'secnd'" in done.err, "did you mean second?" in done.err) == (3, True, True)
    done = kgkt("graphs", "drop", "../main", "--force")
    assert (done.code, "graph name '../main'" in done.err) == (3, True)


def test_an_interrupted_drop_goes_on(two: Path, kgkt: Kgkt):
    edit("kglite:kgkt-run/graph.kgl", "MATCH (g:Graph {graph: 'main'}) SET g.complete = false",
         "MATCH (c:Concept {graph: 'main'}) DETACH DELETE c")
    assert kgkt("graphs", "drop", "main", "--force").json["nodes"]["concepts"] == 0
    shutil.copytree("kgkt-run/second", "kgkt-run/third")
    assert kgkt("graphs", "drop", "third", "--force").json["in_database"] is False
    assert names(kgkt) == {"second": "complete"}


def test_a_folder_that_is_a_link_is_left_alone(two: Path, kgkt: Kgkt):
    Path("kgkt-run/second").rename("elsewhere")
    Path("kgkt-run/second").symlink_to(Path("elsewhere").resolve())
    done = kgkt("graphs", "drop", "second", "--force")
    assert (done.code, "is a link: remove it yourself" in done.err) == (3, True)
    assert names(kgkt) == {"main": "complete", "second": "complete"}
    assert Path("elsewhere/run.json").exists()


def test_a_copy_in_neo4j_is_dropped_without_the_folder_of_the_original(two: Path, kgkt: Kgkt, neo4j_url: str):
    assert kgkt("export", "--graph", "main", "--to", neo4j_url).code == 0
    edit(neo4j_url, "CREATE (:Item {sku: 1})")
    assert names(kgkt, "--store", neo4j_url) == {"main": "complete"}
    gone = kgkt("graphs", "drop", "main", "--store", neo4j_url, "--force").json
    assert (gone["in_database"], gone["folder"], gone["kept_folder"]) == (True, None, "kgkt-run/main")
    assert names(kgkt, "--store", neo4j_url) == {}
    assert kgkt("query", "MATCH (n) RETURN count(n)", "--store", neo4j_url, "--graph", "main").json["rows"] == [[1]]
    assert names(kgkt) == {"main": "complete", "second": "complete"}
    assert kgkt("propagate", "--graph", "main").code == 0


def test_on_a_terminal_it_asks_first(two: Path, kgkt: Kgkt):
    for answer, left in ((b"n\n", {"main", "second"}), (b"y\n", {"main"})):
        parent, child = pty.openpty()
        process = subprocess.Popen([sys.executable, "-c", RUN, "graphs", "drop", "second"], stdin=child,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(child)
        os.write(parent, answer)
        out, err = process.communicate(timeout=60)
        os.close(parent)
        assert process.returncode == 0, err
        assert b"would drop second" in out
        assert (b"nothing was dropped" in err) == (answer == b"n\n")
        assert names(kgkt).keys() == left


def test_a_graph_that_was_populated_in_neo4j_is_found_and_dropped_there(populated: Path, kgkt: Kgkt, neo4j_url: str):
    assert kgkt(*POPULATE, "--graph", "far", "--store", neo4j_url).code == 0
    edit(neo4j_url, "CREATE (:Note {name: 'n'})")
    found = {row[0]: (row[1], row[6], row[7]) for row in kgkt("graphs", "list").json["rows"]}
    assert found == {"main": ("complete", "kglite:kgkt-run/graph.kgl", "kgkt-run/main"),
                     "far": ("complete", neo4j_url, "kgkt-run/far")}
    gone = kgkt("graphs", "drop", "far", "--force").json
    assert (gone["store"], gone["folder"], gone["nodes"]["concepts"]) == (neo4j_url, "kgkt-run/far", 50)
    assert names(kgkt) == {"main": "complete"}
    assert names(kgkt, "--store", neo4j_url) == {}
    left = kgkt("query", "MATCH (n) RETURN labels(n)", "--store", neo4j_url, "--graph", "main").json["rows"]
    assert left == [[["Note"]]]


def test_a_neo4j_that_is_gone_is_said_and_nothing_is_dropped(populated: Path, kgkt: Kgkt, neo4j_url: str):
    assert kgkt(*POPULATE, "--graph", "far", "--store", neo4j_url).code == 0
    state = Path("kgkt-run/far/run.json")
    state.write_text(state.read_text().replace(neo4j_url, "neo4j://127.0.0.1:9"))
    done = kgkt("graphs", "list")
    assert (done.code, "127.0.0.1:9" in done.err) == (0, True)
    assert {row[0]: row[1] for row in done.json["rows"]} == {"main": "complete", "far": "not reached"}
    assert kgkt("graphs", "list", "--store", "neo4j://127.0.0.1:9").code == 4
    assert kgkt("graphs", "drop", "far", "--force").code == 4
    assert state.exists()


def test_a_drop_waits_for_nobody_who_writes(two: Path, kgkt: Kgkt):
    from kgkt.store.opening import open_store

    with open_store("kglite:kgkt-run/graph.kgl", write=True):
        done = kgkt("graphs", "drop", "second", "--force")
    assert (done.code, f"held by pid {os.getpid()}" in done.err) == (4, True)
    assert names(kgkt) == {"main": "complete", "second": "complete"}


def test_inside_a_run_directory_the_whole_command_is_said(two: Path, kgkt: Kgkt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(two / "kgkt-run")
    done = kgkt("query", "concepts", "--param", "limit=2")
    says, _, command = done.err.rstrip().rpartition(": ")
    assert (done.code, says) == (3, "kgkt: no graph main in kgkt-run: run kgkt populate first; this folder is a run "
                                    "directory itself, of main, second")  # fmt: skip
    assert command == "kgkt query concepts --param limit=2 --dir . --graph main"
    assert len(kgkt(*command.split()[1:]).json["rows"]) == 2
    assert kgkt("suggest", "--graph", "second").err.endswith("--dir . --graph second\n")
    monkeypatch.chdir("..")
    (Path.cwd() / "kgkt-run").rename("my demo")
    told = "my demo is a run directory: kgkt suggest --dir 'my demo'"
    assert told in kgkt("suggest").err
    assert "this folder" not in kgkt("suggest", "--dir", "elsewhere").err
