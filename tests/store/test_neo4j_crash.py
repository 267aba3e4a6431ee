"""Loaders and servers that are killed: run again, the graph is the same."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import StoreError
from kgkt.store.load import load_graph
from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from kgkt.store.readback import list_graphs
from kgkt.store.server import connection as server
from kgkt.store.server.store import Neo4jStore
from tests import neo4j_server as servers
from tests.store.conftest import digest, digits_graph

LOADER = """
import os, sys
from kgkt.store.load import load_graph
from kgkt.store.server.store import Neo4jStore
from kgkt.store.opening import open_store
from tests.store.conftest import digits_graph

write, writes, at = Neo4jStore.write, 0, int(sys.argv[2])
def counted(self, statement, rows=None, params=None):
    global writes
    if writes == at:
        os.kill(os.getpid(), 9)
    writes += 1
    return write(self, statement, rows, params)

Neo4jStore.write = counted
value, more = digits_graph()
store = open_store(sys.argv[1], write=True)
store.hold("main")
load_graph(store, "main", value, **more)
os.kill(os.getpid(), 9)
"""


def whole_graph(url: str) -> tuple[str, list[str]]:
    """The digest of a load that nothing disturbs, and the names of its writes."""
    value, more = digits_graph()
    names = []
    with open_store(url, write=True) as store:
        write = store.write
        store.write = lambda statement, *rest: names.append(statement.name) or write(statement, *rest)
        load_graph(store, "main", value, **more)
    return digest(url), names


@pytest.mark.slow
def test_a_loader_killed_between_two_statements_and_run_again_gives_the_same_graph(neo4j_url, neo4j_server):
    whole, names = whole_graph(neo4j_url)
    value, more = digits_graph()
    for at in range(1, len(names) + 1, 4):
        servers.empty(neo4j_server, bare=at == 1)
        done = subprocess.run([sys.executable, "-c", LOADER, neo4j_url, str(at)], cwd=Path(__file__).parents[2], check=False)
        assert done.returncode == -9
        with open_store(neo4j_url, write=True) as store:
            infos = list_graphs(store)
            assert [info.get("complete") for info in infos] == [at == len(names)]
            store.hold("main")
            load_graph(store, "main", value, **more)
        assert digest(neo4j_url) == whole, f"killed before {names[at - 1:at]}"


@pytest.fixture
def mortal(mortal_server, monkeypatch) -> Iterator[str]:
    """URL of a server that may be killed; up again and empty for the next."""
    monkeypatch.setenv("NEO4J_USERNAME", "neo4j")
    monkeypatch.setenv("NEO4J_PASSWORD", mortal_server.password)
    monkeypatch.delenv("NEO4J_DATABASE", raising=False)
    monkeypatch.setattr(server, "RETRY_SECONDS", 1.0)
    server.driver.cache_clear()
    servers.empty(mortal_server)
    yield mortal_server.url
    server.driver.cache_clear()


class Struck(Neo4jStore):
    """Its server is killed just before a write."""

    writes = 0

    def write(self, *rest):
        if self.writes == self.at:
            servers.kill(self.server)
        self.writes += 1
        return super().write(*rest)


@pytest.mark.slow
def test_a_server_killed_at_a_batch_and_started_again_gives_the_same_graph(mortal, mortal_server):
    """Who only asks goes on with it."""
    whole, names = whole_graph(mortal)
    value, more = digits_graph()
    for at in (names.index("write_concepts"), names.index("write_items")):
        servers.empty(mortal_server)
        with open_store(mortal) as asking:
            assert asking.ask("RETURN 1 AS x").rows == ((1,),)
            store = Struck(mortal, server.read_settings(), write=True)
            store.at, store.server = at, mortal_server
            store.hold("main")
            with pytest.raises(StoreError, match=r"cannot be reached|could not do it") as error:
                load_graph(store, "main", value, **more)
            assert "\n" not in str(error.value)
            store.close()
            begin = time.monotonic()
            with pytest.raises(StoreError, match="cannot be reached"):
                asking.ask("RETURN 1 AS x")
            assert time.monotonic() - begin < 10
            servers.start_again(mortal_server)
            assert asking.ask("RETURN 1 AS x").rows == ((1,),)
            assert asking.read(Statement("x", "RETURN 1 AS x")).rows == ((1,),)
        with open_store(mortal, write=True) as store:
            assert list_graphs(store)[0].get("complete") is not True
            store.hold("main")
            load_graph(store, "main", value, **more)
        assert digest(mortal) == whole, f"killed at {names[at]}"


def kill_in_a_write(watching: Neo4jStore, server: servers.Server, written: threading.Event) -> None:
    """Kill the server as soon as it says that it writes items, or when all are written."""
    busy = Statement("busy", "SHOW TRANSACTIONS YIELD currentQuery WHERE currentQuery STARTS WITH 'UNWIND' RETURN currentQuery")
    while not (written.is_set() or watching.read(busy).rows):
        pass
    servers.kill(server)


@pytest.mark.slow
def test_a_server_killed_in_the_middle_of_a_batch(mortal, mortal_server):
    rng = np.random.default_rng(0)
    rows = [{"key": f"main/item/{i}", "props": {"graph": "main", "name": str(i), "v": rng.normal(size=32).tolist()}}
            for i in range(6_000)]
    statement = Statement("write_items", "UNWIND $rows AS r MERGE (n:Item {key: r.key}) SET n += r.props")
    with open_store(mortal, write=True) as store, open_store(mortal, write=True) as watching:
        store.index()
        written = threading.Event()
        killer = threading.Thread(target=kill_in_a_write, args=(watching, mortal_server, written))
        killer.start()
        with contextlib.suppress(StoreError):
            store.write(statement, rows)
        written.set()
        killer.join()
    servers.start_again(mortal_server)
    with open_store(mortal, write=True) as store:
        (count,), = store.read(Statement("n", "MATCH (n:Item) RETURN count(n)")).rows
        assert count in (0, 5_000, 6_000)  # a batch is there whole or not at all
        store.write(statement, rows)
        assert store.read(Statement("n", "MATCH (n:Item) RETURN count(n), count(DISTINCT n.key)")).rows == ((6_000, 6_000),)
