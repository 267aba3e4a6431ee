"""The service on a real Neo4j: labels land there, and what was changed there is seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from tests.cli.conftest import cwd_into, kgkt_in
from tests.serve.conftest import client_of

G = "/api/graphs/main"
CHANGED = "MATCH (c:Concept {graph: 'main'}) WHERE c.key ENDS WITH '/3' SET c.name = 'three'"


@pytest.mark.slow
def test_the_service_on_neo4j(
    neo4j_url: str, populated_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    shutil.copytree(populated_once, work, ignore=shutil.ignore_patterns("kgkt-run"))
    kgkt_in(work, "populate", "--model", "a.keras", "--layers", "mid,emb", "--data", "pool.npz", "--store", neo4j_url)
    client: Any = client_of(cwd_into(monkeypatch, work))
    assert client.get(G).json()["store"].startswith("bolt") or client.get(G).json()["store"].startswith("neo4j")
    item = client.get(G + "/suggest?n=1").json()["items"][0]
    done = client.post(G + "/label", json={"labels": [{"item": item["item"], "class": "cat"}]}).json()
    assert done["state"]["best"][item["concept"]] == 0
    with open_store(neo4j_url, write=True) as store:
        found = store.read(Statement("found", "MATCH (i:Item)-[:LABELLED]->(k:Class) RETURN i.item_id, k.name")).rows
        assert list(found) == [(item["item"], "cat")]
        store.write(Statement("renamed", CHANGED))
    client.held.graph("main").look_again()
    assert client.get(G + "/concept?number=3").json()["name"] == "three"
    assert client.get(G + "/state").json()["layout"] == 2
    undone = client.post(G + "/undo", json={}).json()
    assert undone["state"]["label_count"] == 0
    rows = client.post(G + "/query", json={"text": "MATCH (c:Concept {graph: $graph}) RETURN count(c) AS n"}).json()["rows"]
    assert rows == [[len(done["state"]["best"])]]
    client.held.close()
