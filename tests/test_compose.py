"""docker-compose.yml: checked against the Compose specification's schema, and its settings against a real server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import neo4j_server as servers

FILE = Path(__file__).parents[1] / "docker-compose.yml"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return YAML(typ="safe").load(FILE.read_text(encoding="utf-8"))["services"]["neo4j"]


def setting(variable: str) -> str:
    """The name that the image makes of an environment variable."""
    return variable.removeprefix("NEO4J_").replace("__", "\0").replace("_", ".").replace("\0", "_")


def test_it_is_a_compose_file():
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_refuses_what_is_no_compose_file(tmp_path):
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(FILE.read_text(encoding="utf-8").replace("ports:", "prots:"))
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(broken)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "prots" in done.stdout


def test_it_answers_this_machine_only(service):
    assert service["ports"] == ["127.0.0.1:7474:7474", "127.0.0.1:7687:7687"]
    assert not {"network_mode", "privileged", "cap_add"} & service.keys()


def test_the_password_comes_from_the_environment_and_has_no_default(service):
    assert service["environment"]["NEO4J_AUTH"].startswith("neo4j/${NEO4J_PASSWORD:?")
    assert FILE.read_text(encoding="utf-8").count("${") == 1


def test_the_image_the_volume_and_the_health_check(service):
    assert service["image"] == "neo4j:5.26-community"
    assert service["volumes"] == ["data:/data"]
    assert service["healthcheck"]["test"][0] == "CMD-SHELL"
    assert "http://localhost:7474" in service["healthcheck"]["test"][1]


def test_neo4j_knows_every_setting(service, neo4j_server):
    from neo4j import GraphDatabase

    with GraphDatabase.driver(neo4j_server.url, auth=("neo4j", neo4j_server.password)) as driver:
        known = {row["name"] for row in driver.execute_query("SHOW SETTINGS YIELD name", database_="system").records}
    given = {setting(name): value for name, value in service["environment"].items() if name != "NEO4J_AUTH"}
    assert set(given) <= known
    assert given["db.memory.transaction.max"] == "256m"
    assert given["dbms.security.allow_csv_import_from_file_urls"] == "false"
    assert given["dbms.usage_report.enabled"] == "false"


@pytest.mark.skipif(not shutil.which("docker") or subprocess.run(
    ["docker", "compose", "version"], capture_output=True, check=False).returncode != 0, reason="no docker compose here")
def test_docker_compose_reads_it():
    environment = {name: value for name, value in os.environ.items() if name != "NEO4J_PASSWORD"}
    command = ["docker", "compose", "-f", str(FILE), "config", "--quiet"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "set NEO4J_PASSWORD" in done.stderr
    done = subprocess.run(command, env={**environment, "NEO4J_PASSWORD": "eight chars"}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not servers.docker_answers(), reason="no Docker daemon answers")
def test_it_comes_up_healthy_and_takes_the_password():
    from neo4j import GraphDatabase

    with socket.socket() as one, socket.socket() as other:
        if not (one.connect_ex(("127.0.0.1", 7474)) and other.connect_ex(("127.0.0.1", 7687))):
            pytest.skip("another server has the ports 7474 and 7687")
    environment = {**os.environ, "NEO4J_PASSWORD": "eight chars or more"}
    command = ["docker", "compose", "-f", str(FILE), "-p", "kgkt-test"]
    try:
        subprocess.run([*command, "up", "-d", "--wait"], env=environment, check=True)
        with GraphDatabase.driver("neo4j://localhost", auth=("neo4j", environment["NEO4J_PASSWORD"])) as driver:
            assert driver.execute_query("RETURN 1 AS one").records[0]["one"] == 1
    finally:
        subprocess.run([*command, "down", "--volumes"], env=environment, check=True)
