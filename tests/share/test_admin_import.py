"""What `export --admin-import` writes, read in by Neo4j's own import tool and asked back from the server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kgkt.share import tables
from tests import neo4j_server as servers
from tests.share.awkward import CONCEPTS, NAMES, SIMILAR, WHOLE


@pytest.fixture
def imported(tmp_path: Path) -> Iterator[servers.Server]:
    """A server whose database was made by neo4j-admin from the exported folder."""
    if not (shutil.which("mvn") and shutil.which("java")):
        reason = "neo4j-admin comes by Maven: install maven and Java 17"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    tables.write_admin_import(WHOLE, tmp_path / "adm")
    home, bolt = tmp_path / "home", servers.free_port()
    home.mkdir()
    servers._configure(home, bolt, servers.free_port())
    with (home / "conf" / "neo4j.conf").open("a") as file:
        file.write("dbms.security.auth_enabled=false\n")
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in servers.OPENED]
    done = subprocess.run(
        ["java", "-Xmx512m", *opened, "-cp", (home / "classpath").read_text().strip(), "org.neo4j.cli.AdminTool",
         "database", "import", "full", "@import.args", "neo4j"],
        cwd=tmp_path / "adm", env={**os.environ, "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    server = servers.Server(f"neo4j://127.0.0.1:{bolt}", "", "", str(home))
    servers.start_again(server)
    yield server
    servers.stop(server)


@pytest.mark.slow
def test_neo4j_reads_every_name_value_and_relationship(imported):
    from neo4j import GraphDatabase

    with GraphDatabase.driver(imported.url) as driver:
        nodes = driver.execute_query("MATCH (n:Concept) RETURN n ORDER BY n.size", database_="neo4j").records
        edges = driver.execute_query(
            "MATCH (a)-[r]->(b) RETURN a.key AS a, type(r) AS type, properties(r) AS facts, b.key AS b "
            "ORDER BY type(r), r.weight", database_="neo4j").records
        complete = driver.execute_query("MATCH (g:Graph {key: 'g'}) RETURN g.complete", database_="neo4j").records
    assert [record["n"]["name"] for record in nodes] == list(NAMES)
    for record, node in zip(nodes, CONCEPTS, strict=True):
        facts = dict(record["n"])
        assert json.loads(facts.pop("note")) == node.properties["note"]
        assert facts == {k: v for k, v in node.properties.items() if k not in ("note", "empty")}
    assert [tuple(record.values()) for record in edges] == [
        ("g/concept/0", "LIKES/../`x`", {"why": "two\nlines", "tags": '["a", "b;c"]'}, "g/concept/1"),
        *((edge.start, "SIMILAR_TO", edge.properties, edge.end) for edge in SIMILAR)]
    assert complete[0].values() == [True]
