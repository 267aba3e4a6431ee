"""The story on a real Neo4j: the same graph, the same B, and what can go wrong between a folder and a server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from tests import neo4j_server as servers
from tests.cli.conftest import Kgkt, write_labels
from tests.cli.test_edits import holds as whole
from tests.cli.test_faults import spawn
from tests.store.conftest import run

pytestmark = pytest.mark.slow

POPULATE = ("populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz")
IMPORT = ("populate", "--features", "features.npz")  # the same items by their pixels: no TensorFlow in the processes killed
RECIPE = """
[source]
model = "a.keras"
layers = ["mid", "emb"]
data = "pool.npz"
[teach]
labels = "labels.csv"
balanced = true
[target]
model = "b.keras"
out = "out.keras"
test = "test.npz"
steps = 60
"""
ASKED = {
    "concepts": "MATCH (c:Concept) RETURN c.key, c.name, c.auto_name, c.size, c.active, c.x, c.y, c.centroid",
    "edges": "MATCH (a:Concept)-[e:SIMILAR_TO]->(b:Concept) RETURN a.key, b.key, e.weight, e.cosine",
    "themes": "MATCH (a:Concept)-[:PART_OF]->(t:Theme) RETURN a.key, t.key, t.name, t.size",
    "masses": "MATCH (c:Concept)-[l:LEANS_TO]->(k:Class) RETURN c.key, k.key, k.index, l.mass",
    "strengths": "MATCH (c:Concept)-[m:MAPS_TO]->(b:Block) RETURN c.key, b.key, b.kind, b.name, m.strength, m.planned, m.measured",
    "labels": "MATCH (i:Item)-[l:LABELLED|LABELLED_NOT]->(k:Class) RETURN type(l), i.key, k.key, l.by",
    "examples": "MATCH (i:Item)-[e:EXAMPLE_OF]->(c:Concept) RETURN i.key, i.item_id, i.uri IS NULL, c.key, e.strength",
    "blocks": "MATCH (b:Block)-[:IN_MODEL]->(m:Model) RETURN b.key, b.layer, b.index, m.key, m.role, m.n_weights, m.measured_on",
    "graphs": "MATCH (g:Graph)-[:LEARNED_FROM]->(m:Model) RETURN g.key, g.complete, g.n_items, g.n_concepts, g.seed, m.key, m.sha256",
}


def holds(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the story leaves in a database, but for times."""
    with open_store(url) as store:
        return {name: sorted(store.read(Statement(name, text)).rows, key=lambda row: [str(v) for v in row[:3]])
                for name, text in ASKED.items()}


def same(one: dict[str, list[tuple[Any, ...]]], two: dict[str, list[tuple[Any, ...]]]) -> None:
    """Texts equal, numbers to 1e-6."""
    for name in ASKED:
        assert len(one[name]) == len(two[name]), name
        for a, b in zip(one[name], two[name], strict=True):
            for x, y in zip(a, b, strict=True):
                if isinstance(x, float | list):
                    np.testing.assert_allclose(x, y, rtol=0, atol=1e-6, err_msg=name)
                else:
                    assert x == y, name


@pytest.fixture
def work(populated: Path, truth: dict[str, str], kgkt: Kgkt) -> Path:
    """Models, data and twenty labels in a folder, without a run directory."""
    asked = [row[0] for row in kgkt("suggest", "-n", 20).json["rows"]]
    write_labels(populated / "labels.csv", [(item, truth[item]) for item in asked])
    shutil.rmtree(populated / "kgkt-run")
    return populated


@pytest.fixture
def features(work: Path) -> Path:
    """The same folder with a features file."""
    with np.load(work / "pool.npz") as pool:
        np.savez(work / "features.npz", pixels=pool["x"].reshape(len(pool["x"]), -1), item_id=pool["item_id"])
    return work


def test_run_gives_the_same_graph_and_the_same_b_on_both(work: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    from kgkt.source.quiet import keras

    (work / "kgkt.toml").write_text(RECIPE)
    weights, traced = [], []
    for store in ((), ("--store", neo4j_url)):
        done = kgkt("run", "--dir", f"run{len(store)}", *store, "--force")
        assert done.code == 0, done.err
        model = keras().saving.load_model(work / "out.keras")
        weights.append([np.asarray(w) for w in model.get_weights()])
        traced.append(kgkt("trace", "4", "--dir", f"run{len(store)}").json)
    assert [(c["number"], c["strength"]) for c in traced[0]["concepts"]] == [
        (c["number"], pytest.approx(c["strength"], abs=1e-6)) for c in traced[1]["concepts"]]
    assert [(b["layer"], b["unit"], b["concept"]) for b in traced[0]["blocks"]] == [
        (b["layer"], b["unit"], b["concept"]) for b in traced[1]["blocks"]]
    embedded = holds(f"kglite:{work / 'run0' / 'graph.kgl'}")
    assert all(embedded.values())
    same(embedded, holds(neo4j_url))
    for one, two in zip(*weights, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)

    again = kgkt("run", "--dir", "run2")  # the folder remembers the server
    assert {stage for stage, how in again.json["stages"].items() if how == "fresh"} == {
        "populate", "label", "propagate", "map", "fuse"}
    assert not (work / "run2" / "graph.kgl").exists()
    run(neo4j_url, "MATCH (c:Concept)-[l:LEANS_TO]->(k:Class {name: '0'}) WHERE l.mass > .5 SET c.active = false")
    edited = kgkt("run", "--dir", "run2")  # as if it had been done in Neo4j Browser
    assert edited.json["stages"]["propagate"] == edited.json["stages"]["fuse"] == "done"
    assert edited.json["stages"]["populate"] == "fresh"
    model = keras().saving.load_model(work / "out.keras")
    assert any(np.abs(np.asarray(w) - old).max() > 1e-3 for w, old in zip(model.get_weights(), weights[1], strict=True))

    servers_graph = holds(neo4j_url)
    run(neo4j_url, "MATCH (n) DETACH DELETE n")
    lost = kgkt("suggest", "--dir", "run2")
    assert (lost.code, "is not in the database (any more): run kgkt populate" in lost.err) == (3, True)
    back = kgkt("run", "--dir", "run2")
    assert back.json["stages"]["populate"] == back.json["stages"]["propagate"] == back.json["stages"]["map"] == "done"
    assert len(holds(neo4j_url)["edges"]) == len(servers_graph["edges"])


def test_populate_again_on_a_server_carries_what_people_said(work: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    assert kgkt(*POPULATE, "--store", neo4j_url).code == 0
    kgkt("label", "--file", "labels.csv")
    kgkt("label", "i0000=not:3")
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/5'}) SET c.name = 'mine', c.active = false", "--rw", "--force")
    edge = holds(neo4j_url)["edges"][0]
    kgkt("query", f"MATCH ({{key: '{edge[0]}'}})-[e:SIMILAR_TO]->({{key: '{edge[1]}'}}) SET e.weight = 99.5", "--rw", "--force")
    before = holds(neo4j_url)
    done = kgkt(*POPULATE, "--force")
    assert (done.code, done.json["lost"]) == (0, [])
    assert done.json["store"] == neo4j_url
    same(before, holds(neo4j_url))
    assert not (work / "kgkt-run/main/carry.json").exists()
    (renamed,) = kgkt("query", "renamed").json["rows"]
    assert renamed[:2] == ["main/concept/5", "mine"]


def test_edits_on_a_server_are_undone(features: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    assert kgkt(*IMPORT, "--store", neo4j_url).code == 0
    edits = (("label", "--file", "labels.csv"), ("label", "i0000=new", "i0001=not:3"), ("name", 5, "mine"),
             ("switch", "off", "MATCH (c:Concept) WHERE c.name = 'mine' RETURN c.key AS key"), ("merge", 1, 2))  # fmt: skip
    states = [whole("main", neo4j_url)]
    for words in edits:
        done = kgkt(*words)
        assert done.code == 0, done.err
        states.append(whole("main", neo4j_url))
        assert states[-1] != states[-2]
    assert kgkt("propagate").code == 0
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/5'}) REMOVE c.name", "--rw", "--force")
    assert "concept 5 has no name, which no verb of kgkt did" in kgkt("undo", 3).err
    assert kgkt("name", 5, "mine").json["was"] is None
    assert kgkt("undo").json["verb"] == "name"
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/5'}) SET c.name = 'mine'", "--rw", "--force")
    for state in states[-2::-1]:
        done = kgkt("undo")
        assert done.code == 0, done.err
        assert whole("main", neo4j_url) == state


def test_a_graph_moves_to_a_server_and_back_with_what_people_said(labelled: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    before = holds("kglite:kgkt-run/graph.kgl")
    asked = kgkt("suggest", "-n", 50).json
    done = kgkt(*POPULATE, "--store", neo4j_url)
    assert (done.code, done.json["lost"]) == (0, [])
    same(before, holds(neo4j_url))
    assert (kgkt("suggest", "-n", 50).json, asked["second"]) == (asked, 10)  # first and second items
    (labelled / "export.json").write_text('[{"id": 1, "data": {"item_id": "i0001"}, "annotations": [{"result": [{"from_name": '
                                          '"class", "type": "choices", "value": {"choices": ["7"]}}]}]}]')  # fmt: skip
    assert kgkt("label", "--file", "export.json").json["labels"] == 1
    assert ("LABELLED", "main/item/i0001", "main/class/7") in [row[:3] for row in holds(neo4j_url)["labels"]]
    back = kgkt(*POPULATE, "--store", "kglite:kgkt-run/graph.kgl")
    assert (back.code, back.json["lost"]) == (0, [])
    assert [row[:3] for row in holds("kglite:kgkt-run/graph.kgl")["labels"]] == [row[:3] for row in holds(neo4j_url)["labels"]]


def test_without_its_run_directory_a_graph_is_asked_but_not_replaced(work: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    kgkt(*POPULATE, "--store", neo4j_url)
    kgkt("label", "--file", "labels.csv")
    before = holds(neo4j_url)
    shutil.rmtree("kgkt-run")
    suggest = kgkt("suggest", "--store", neo4j_url)
    assert (suggest.code, "no graph main in kgkt-run: run kgkt populate first" in suggest.err) == (3, True)
    count = "MATCH (c:Concept {graph: $graph}) RETURN count(c) AS n"
    assert kgkt("query", count, "--store", neo4j_url).json["rows"] == [[60]]
    refused = kgkt(*POPULATE, "--store", neo4j_url)
    assert refused.code == 3
    assert "the database holds a graph main that was made from another run directory: name this one" in refused.err
    same(before, holds(neo4j_url))
    other = kgkt(*POPULATE, "--store", neo4j_url, "--graph", "second")
    assert other.code == 0, other.err
    assert kgkt("query", count).json["rows"] == [[60]]
    run(neo4j_url, "MATCH (g:Graph {key: 'second'}) SET g.run = 'somebody'")
    assert "was made from another run directory: say --dir" in kgkt("suggest").err


def test_other_peoples_nodes(work: Path, kgkt: Kgkt, bare_neo4j_url: str) -> None:
    theirs = "MATCH (n) WHERE n.graph IS NULL OPTIONAL MATCH (n)-[r]->(m) RETURN properties(n) AS n, labels(n) AS l, type(r) AS t"
    run(bare_neo4j_url, "CREATE (:Item {name: 'shoe'})-[:SOLD]->(:Class {name: 'wares'}), (:Model {name: 'T'})")
    before = sorted(map(repr, run(bare_neo4j_url, theirs)))
    refused = kgkt(*POPULATE, "--store", bare_neo4j_url)
    assert refused.code == 4
    assert refused.err.splitlines()[-1] == ("kgkt: the database holds nodes that are not kgkt's (1 Model, 1 Item, 1 Class): "
                                            "use another database, or --shared to go on and touch none of them")
    assert run(bare_neo4j_url, "MATCH (n) RETURN count(n)") == [(3,)]
    assert kgkt(*POPULATE, "--store", bare_neo4j_url, "--shared").code == 0
    kgkt("label", "--file", "labels.csv")
    assert kgkt(*POPULATE, "--force").code == 0  # it is remembered
    assert kgkt("query", "MATCH ()-[l:LABELLED]->() RETURN count(l) AS n").json["rows"] == [[20]]
    assert sorted(map(repr, run(bare_neo4j_url, theirs))) == before
    assert run(bare_neo4j_url, "SHOW CONSTRAINTS YIELD labelsOrTypes WHERE labelsOrTypes[0] IN ['Item', 'Class', 'Model']") == []


def test_wrong_settings(work: Path, kgkt: Kgkt, neo4j_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, code, says in (
        (("--store", f"neo4j://127.0.0.1:{servers.free_port()}"), 4, "cannot be reached: is the server up"),
        (("--store", neo4j_url, "--database", "nothere"), 4, "has no database 'nothere'"),
        (("--store", neo4j_url.replace("neo4j:", "neo4j+s:")), 4, "TLS is asked for (+s)"),
        (("--store", "neo4j://ann:secret-word@localhost"), 2, "holds a user or a password"),
        (("--store", "neo4j"), 2, "--store neo4j takes the address from NEO4J_URI, which is not set"),
    ):
        for verb in (POPULATE, ("query", "RETURN 1 AS x")):
            done = kgkt(*verb, *arguments)
            assert (done.code, says in done.err) == (code, True), done.err
            assert len(done.err.splitlines()) == 1
            assert "secret-word" not in done.out + done.err
    (work / "kgkt.toml").write_text('[store]\nurl = "neo4j://ann:secret-word@localhost"\n')
    checked = kgkt("check")
    assert "holds a user or a password" in checked.err
    assert "secret-word" not in checked.out + checked.err
    (work / "kgkt.toml").unlink()
    monkeypatch.setenv("NEO4J_PASSWORD", "not-the-password")
    done = kgkt("query", "RETURN 1 AS x", "--store", neo4j_url)
    assert (done.code, "refuses user neo4j with this password" in done.err) == (4, True)
    assert "not-the-password" not in done.err


def test_settings_from_a_file_are_named(home: Path, kgkt: Kgkt, neo4j_url: str, neo4j_server: servers.Server,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEO4J_USERNAME")
    monkeypatch.delenv("NEO4J_PASSWORD")
    (home / ".env").write_text(f"NEO4J_URI={neo4j_url}\nNEO4J_USERNAME=neo4j\nNEO4J_PASSWORD='{neo4j_server.password}'\n")
    done = kgkt("query", "RETURN 1 AS x; RETURN 2 AS x", "--store", "neo4j")
    assert done.code == 0, done.err
    assert done.err == f"{neo4j_url}, database neo4j, user neo4j (NEO4J_USERNAME, NEO4J_PASSWORD from .env)\n"
    assert neo4j_server.password not in done.out + done.err
    assert kgkt("--quiet", "query", "RETURN 1 AS x", "--store", "neo4j").err == ""


def test_hostile_queries_exit_with_5(home: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    for text in ("CREATE (n:X)", "LOAD CSV FROM 'file:///etc/passwd' AS r RETURN r", "CALL apoc.load.json('x')", "SHOW USERS",
                 "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS"):
        done = kgkt("query", text, "--store", neo4j_url)
        assert (done.code, len(done.err.splitlines())) == (5, 2), done.err  # the server and user; the refusal
    assert kgkt("query", "CREATE (n:X {a: 1}) RETURN n.a", "--rw", "--store", neo4j_url).code == 5  # off a terminal
    assert kgkt("query", "CREATE (n:X {a: 1}) RETURN n.a", "--rw", "--force", "--store", neo4j_url).json["rows"] == [[1]]
    assert kgkt("query", "CREATE INDEX i FOR (n:X) ON (n.a)", "--rw", "--force", "--store", neo4j_url).code == 5
    assert run(neo4j_url, "MATCH (n) RETURN count(n)") == [(1,)]


def test_of_two_loads_of_one_graph_one_wins(features: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    two = [spawn(features, *IMPORT, "--store", neo4j_url) for _ in range(2)]
    said = [process.communicate(timeout=240) for process in two]
    codes = sorted(process.returncode for process in two)
    assert codes == [0, 4], said
    loser = next(err for process, (_, err) in zip(two, said, strict=True) if process.returncode == 4)
    assert "graph main is busy, held by pid" in loser.splitlines()[-1]
    assert kgkt("query", "MATCH (c:Concept) RETURN count(c), count(DISTINCT c.key)", "--store", neo4j_url).json["rows"] == [[60, 60]]
    assert run(neo4j_url, "MATCH (g:Graph) RETURN g.complete, g.writer") == [(True, None)]


STRUCK = """
import os, sys
from kgkt.cli import main
from kgkt.store.server.store import Neo4jStore

write, writes, at = Neo4jStore.write, 0, int(sys.argv[1])
def counted(self, *rest, **more):
    global writes
    if writes == at:
        os.kill(os.getpid(), 9)
    writes += 1
    return write(self, *rest, **more)

Neo4jStore.write = counted
main(sys.argv[2:])
"""


def test_populate_killed_anywhere_and_run_again_loses_nothing(features: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    kgkt(*IMPORT, "--store", neo4j_url)
    kgkt("label", "--file", "labels.csv")
    kgkt("query", "MATCH (c:Concept {key: 'main/concept/5'}) SET c.name = 'mine', c.active = false", "--rw", "--force")
    whole = holds(neo4j_url)
    for at in (1, 6, 12, 24):
        done = subprocess.run([sys.executable, "-c", STRUCK, str(at), "--quiet", *IMPORT, "--force"], cwd=features, check=False)
        assert done.returncode == -9, at
        refused = kgkt("suggest")
        assert (refused.code, "being rebuilt, or interrupted: run" in refused.err) == (3, True), (at, refused.err)
        again = kgkt(*IMPORT)
        assert (again.code, again.json["lost"]) == (0, []), again.err
        same(whole, holds(neo4j_url))


def test_the_first_populate_killed_and_run_again_switches_nothing_off(features: Path, kgkt: Kgkt, neo4j_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", STRUCK, "10", "--quiet", *IMPORT, "--store", neo4j_url], cwd=features, check=False)
    assert done.returncode == -9
    again = kgkt(*IMPORT, "--store", neo4j_url)
    assert (again.code, again.json["lost"]) == (0, []), again.err
    with open_store(neo4j_url) as store:
        assert store.read(Statement("x", "MATCH (c:Concept) RETURN count(c), count(DISTINCT c.key), sum(CASE WHEN c.active "
                                         "THEN 1 ELSE 0 END)")).rows == ((60, 60, 60),)
