from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Kgkt


def test_every_format_holds_the_whole_graph(labelled: Path, kgkt: Kgkt):
    done = kgkt("export", "--graphml", "g.graphml", "--gexf", "g.gexf", "--json", "g.json", "--csv", "csv",
                "--admin-import", "adm", "--grass", "g.grass")
    assert done.code == 0
    counts = {(part["nodes"], part["edges"]) for part in done.json["written"] if part["form"] != "grass"}
    assert len(counts) == 1
    nodes, edges = counts.pop()
    info = kgkt("query", "MATCH (n) RETURN count(n) AS n").json["rows"][0][0]
    assert nodes == info > 60
    for graph in (nx.read_graphml("g.graphml"), nx.read_gexf("g.gexf"),
                  nx.node_link_graph(json.loads(Path("g.json").read_text()), edges="edges")):
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (nodes, edges)
    assert sum(len(pd.read_csv(path)) for path in Path("csv").iterdir()) == nodes + edges
    assert "node.Concept {" in Path("g.grass").read_text()
    assert len(pd.read_csv("csv/LABELLED.csv")) == 20


def test_what_is_written_differently_is_said(labelled: Path, kgkt: Kgkt):
    done = kgkt("export", "--graphml", "g.graphml", "--format", "table")
    assert done.out.startswith("g.graphml   ")
    assert "60 lists and maps written as JSON text" in done.err


def test_points_before_and_after_labels(labelled: Path, kgkt: Kgkt, truth: dict[str, str]):
    done = kgkt("export", "--points", "p.parquet")
    assert done.code == 0
    assert "nothing was propagated yet: the points have no class, mass and doubt" in done.err
    before = pd.read_parquet("p.parquet")
    assert before["class"].isna().all()
    assert kgkt("propagate").code == 0
    assert kgkt("export", "--points", "p.parquet").code == 3
    done = kgkt("export", "--points", "p.parquet", "--force")
    assert done.json["written"] == [
        {"form": "points", "place": "p.parquet", "nodes": None, "edges": None, "rows": 600, "notes": []}]
    points = pd.read_parquet("p.parquet")
    assert list(points) == ["item_id", "x", "y", "neighbors", "concept", "label", "class", "mass", "doubt"]
    targets = pd.read_parquet("kgkt-run/main/targets.parquet")
    P = targets[[name for name in targets if name.startswith("p:")]].to_numpy()
    assert points["item_id"].tolist() == targets["item_id"].tolist()
    assert points["class"].tolist() == targets["class"].tolist()
    assert np.allclose(points["doubt"], 1 - P.max(axis=1), atol=1e-6)
    assert points["mass"].between(0, 1.000001).all()
    labels = points.dropna(subset="label")
    assert len(labels) == 20
    assert all(truth[row.item_id] == row.label for row in labels.itertuples())
    assert (points["class"] == points["item_id"].map(truth)).mean() > 0.7


def test_neighbours_of_points_are_the_nearest_items(labelled: Path, kgkt: Kgkt, truth: dict[str, str]):
    kgkt("export", "--points", "p.parquet")
    field = pq.read_schema("p.parquet").field("neighbors")
    assert str(field.type) == "struct<ids: list<element: int32>, distances: list<element: float>>"
    points = pd.read_parquet("p.parquet")
    classes = points["item_id"].map(truth).to_numpy()
    for row, value in enumerate(points["neighbors"]):
        assert len(value["ids"]) == len(value["distances"]) == 10
        assert row not in value["ids"]
        assert (np.diff(value["distances"]) >= -1e-6).all()
    same = np.mean([(classes[value["ids"]] == classes[row]).mean() for row, value in enumerate(points["neighbors"])])
    assert same > 0.7
    spread = points[["x", "y"]].to_numpy()
    assert math.isclose(np.abs(spread).max(), 1, rel_tol=1e-6)
    assert np.allclose(spread.mean(axis=0), 0, atol=1e-6)


def test_texts_come_with_the_points_unless_they_were_kept_back(home: Path, kgkt: Kgkt):
    rng = np.random.default_rng(0)
    ids = [f"t{i}" for i in range(80)]
    pd.DataFrame({"item_id": ids, "text": [f"text of {i}" for i in ids]}).to_csv("pool.csv", index=False)
    np.savez("f.npz", x=rng.normal(size=(80, 6)).astype(np.float32), item_id=ids)
    for more, columns in (((), {"text"}), (("--no-text",), set())):
        assert kgkt("populate", "--features", "f.npz", "--data", "pool.csv", "--concepts", 8, *more).code == 0
        assert kgkt("export", "--points", "p.parquet", "--force").code == 0
        points = pd.read_parquet("p.parquet")
        assert {"text", "uri"} & set(points) == columns
        if columns:
            assert points["text"].tolist() == [f"text of {i}" for i in points["item_id"]]
    kgkt("populate", "--features", "f.npz", "--data", "pool.csv", "--concepts", 8)
    Path("pool.csv").unlink()
    done = kgkt("export", "--points", "p.parquet", "--force")
    assert done.code == 0
    assert "is not there any more: the points have no text and no uri" in done.err


def test_outputs_that_exist_are_refused_before_anything_is_written(labelled: Path, kgkt: Kgkt):
    Path("g.json").write_text("mine")
    done = kgkt("export", "--graphml", "g.graphml", "--json", "g.json")
    assert (done.code, Path("g.graphml").exists()) == (3, False)
    assert "g.json exists: --force replaces it" in done.err
    assert Path("g.json").read_text() == "mine"
    assert kgkt("export", "--json", "g.json", "--force").code == 0
    assert json.loads(Path("g.json").read_text())["nodes"]


@pytest.mark.parametrize(("arguments", "code", "said"), [
    ((), 2, "where to? --graphml F"),
    (("--json", "x", "--graphml", "./x"), 2, "is named twice"),
    (("--json", "kgkt-run"), 3, "kgkt-run is a folder; name a file"),
    (("--csv", "."), 3, "holds other things"),
    (("--json", "a.keras/x.json"), 3, "cannot be written"),
    (("--to", "kglite:kgkt-run/graph.kgl"), 2, "is where graph main is already: name another database"),
    (("--to", "mongodb://x"), 2, "no store for 'mongodb://x'"),
    (("--json", "g.json", "--graph", "mian"), 3, "did you mean main?"),
])
def test_what_cannot_be_exported_is_said(labelled: Path, kgkt: Kgkt, arguments, code, said):
    done = kgkt("export", *arguments, "--force")
    assert done.code == code
    assert said in done.err


def test_a_read_only_place_is_said(labelled: Path, kgkt: Kgkt):
    done = kgkt("export", "--grass", "/proc/kgkt.grass")
    assert done.code == 3
    assert "/proc/kgkt.grass cannot be written" in done.err


@pytest.mark.slow
def test_a_copy_in_neo4j_serves_the_same_run_directory(labelled: Path, kgkt: Kgkt, neo4j_url: str):
    kgkt("propagate")
    ask = "MATCH (c:Concept {graph: 'main'})-[l:LEANS_TO]->(k:Class) RETURN c.key, k.name, l.mass ORDER BY c.key, k.name"
    rows = kgkt("query", ask).json["rows"]
    done = kgkt("export", "--to", neo4j_url)
    assert done.code == 0
    assert kgkt("query", ask, "--store", neo4j_url).json["rows"] == rows
    assert kgkt("propagate", "--store", neo4j_url).code == 0
    done = kgkt("export", "--to", neo4j_url)
    assert (done.code, "the target has a graph named main: --force replaces it" in done.err) == (3, True)
    assert kgkt("export", "--to", "kglite:back.kgl", "--store", neo4j_url).code == 0
    assert kgkt("query", ask, "--store", "kglite:back.kgl").json["rows"] == rows


def test_who_has_only_the_database_can_export(labelled: Path, kgkt: Kgkt):
    kgkt("export", "--to", "kglite:copy.kgl")
    done = kgkt("export", "--json", "g.json", "--dir", "elsewhere", "--store", "kglite:copy.kgl")
    assert done.code == 0
    assert done.json["written"][0]["nodes"] > 60
    done = kgkt("export", "--points", "p.parquet", "--dir", "elsewhere", "--store", "kglite:copy.kgl")
    assert done.code == 3


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
from kgkt.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(("option", "place"), [("--json", "g.json"), ("--graphml", "g.xml"), ("--gexf", "g.xml"),
                                               ("--csv", "csv"), ("--admin-import", "adm"), ("--points", "p.parquet")])
def test_a_full_disk_leaves_the_old_output(labelled: Path, kgkt: Kgkt, option: str, place: str):
    assert kgkt("export", option, place).code == 0

    def held() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and "kgkt-run" not in path.parts}

    before = held()
    done = subprocess.run([sys.executable, "-c", FULL, "export", option, place, "--force"], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert f"{place} could not be written: " in done.stderr
    assert "File too large" in done.stderr
    assert held() == before
