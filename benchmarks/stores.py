"""What kgkt costs beside the bare engines: loading a server, asking both stores, the guard.

    python benchmarks/stores.py

It starts a Neo4j of its own (Docker, or Maven and Java 17), or takes the one that KGKT_NEO4J_TEST_URI and
KGKT_NEO4J_TEST_PASSWORD name, whose data it deletes. Each pair is measured in turn, several times, and the
middle of its times counts.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kgkt.store import guard, statements
from kgkt.store.child import Child
from kgkt.store.embedded import engine
from kgkt.store.load import load_graph
from kgkt.store.opening import open_store
from kgkt.store.protocol import Limits
from kgkt.values import ConceptGraph
from tests import neo4j_server as servers

CONCEPTS, WIDTH, EDGES, THEMES = 2_500, 64, 30_000, 40
CONSTRAINT = "CREATE CONSTRAINT IF NOT EXISTS FOR (n:{0}) REQUIRE n.key IS UNIQUE"
NODES = "UNWIND $rows AS r MERGE (n:{0} {{key: r.key}}) SET n += r.props"
LINKS = ("UNWIND $rows AS r MATCH (a:{0} {{key: r.a}}), (b:{2} {{key: r.b}}) MERGE (a)-[e:{1}]->(b) "
         "SET e += r.props")


def graph() -> tuple[ConceptGraph, np.ndarray]:
    """A random graph of the size that is asked for, and places."""
    rng = np.random.default_rng(0)
    pairs = {tuple(sorted(pair)) for pair in rng.integers(0, CONCEPTS, (2 * EDGES, 2)).tolist() if pair[0] != pair[1]}
    edges = np.array(sorted(pairs))[:: len(pairs) // EDGES][:EDGES]
    value = ConceptGraph(
        [f"main/concept/{i}" for i in range(CONCEPTS)], [f"c{i}" for i in range(CONCEPTS)],  # type: ignore[arg-type]
        rng.normal(size=(CONCEPTS, WIDTH)), rng.integers(1, 99, CONCEPTS), np.ones(CONCEPTS, bool), edges,
        rng.random(EDGES), rng.random(EDGES), np.arange(CONCEPTS) % THEMES)
    return value, rng.normal(size=(CONCEPTS, 2))


def with_kgkt(url: str, value: ConceptGraph, places: np.ndarray) -> None:
    """Load as `populate` does, with the lease, constraints and indexes."""
    with open_store(url, write=True) as store:
        store.hold("main")
        load_graph(store, "main", value, places, {"seed": 0}, [], [], [])


def with_driver(driver: Any, value: ConceptGraph, places: np.ndarray) -> None:
    """The same nodes and relationships with nothing but the driver."""
    def send(text: str, rows: list[dict[str, Any]], size: int) -> None:
        for start in range(0, len(rows), size):
            driver.execute_query(text, rows=rows[start:start + size], database_="neo4j")

    def key(kind: str, number: int) -> str:
        return f"main/{kind}/{number}"

    for label in ("Graph", "Model", "Concept", "Theme", "Item", "Class", "Block"):
        driver.execute_query(CONSTRAINT.format(label), database_="neo4j")
    send(NODES.format("Graph"), [{"key": "main", "props": {"graph": "main", "name": "main", "seed": 0}}], 1)
    send(NODES.format("Concept"), [{"key": key("concept", i), "props": {
        "graph": "main", "name": value.names[i], "auto_name": value.names[i], "size": int(value.sizes[i]),
        "active": True, "centroid": value.centroids[i].tolist(), "x": float(places[i, 0]), "y": float(places[i, 1])}}
        for i in range(CONCEPTS)], 5_000)
    send(LINKS.format("Concept", "IN_GRAPH", "Graph"),
         [{"a": key("concept", i), "b": "main", "props": {}} for i in range(CONCEPTS)], 10_000)
    send(LINKS.format("Concept", "SIMILAR_TO", "Concept"), [
        {"a": key("concept", a), "b": key("concept", b), "props": {"weight": float(w), "cosine": float(c)}}
        for (a, b), w, c in zip(value.edges.tolist(), value.weights, value.cosines, strict=True)], 10_000)
    send(NODES.format("Theme"), [{"key": key("theme", t), "props": {"graph": "main", "name": f"theme {t}", "size": 1}}
                                 for t in range(THEMES)], 5_000)
    send(LINKS.format("Concept", "PART_OF", "Theme"),
         [{"a": key("concept", i), "b": key("theme", i % THEMES), "props": {}} for i in range(CONCEPTS)], 10_000)


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def side_by_side(times: int, *works: Callable[[], Any]) -> list[float]:
    """The middle time of each, all of them in turn `times` times, after one round that does not count."""
    rounds = [[seconds(work) for work in works] for _ in range(times + 1)][1:]
    return [statistics.median(column) for column in zip(*rounds, strict=True)]


def loading(server: servers.Server, driver: Any, rounds: int = 5) -> None:
    """Loading a server, kgkt beside a bare script."""
    value, places = graph()
    ours, bare = [], []
    for _ in range(rounds + 1):
        for into, work in ((ours, lambda: with_kgkt(server.url, value, places)),
                           (bare, lambda: with_driver(driver, value, places))):
            servers.empty(server)
            into.append(seconds(work))
    a, b = statistics.median(ours[1:]), statistics.median(bare[1:])
    print(f"load {CONCEPTS:,} concepts of {WIDTH} floats, {EDGES:,} edges   kgkt {a:.2f} s   bare driver {b:.2f} s   "
          f"ratio {a / b:.2f} (asked: at most 1.3)")


def shipped_statements(url: str, driver: Any) -> None:
    """A shipped query in this process, on each engine."""
    query = statements.load("hubs")
    params = {"graph": "main", "limit": 20}
    with open_store(url) as store:
        if store.engine == "kglite":
            held = store._reading()
            passes = list(engine.disabled_passes())
            def bare() -> Any:
                return held.cypher(query.text, params=params, disabled_passes=passes).to_list()
        else:
            def bare() -> Any:
                with driver.session(database="neo4j", default_access_mode="READ") as session:
                    return session.execute_read(lambda tx: [r.values() for r in tx.run(query.text, params)])
        a, b = side_by_side(100, lambda: store.read(query, params), bare)
        print(f"shipped query, {store.engine:<7} kgkt {1e3 * a:.2f} ms   bare {1e3 * b:.2f} ms   ratio {a / b:.2f}"
              + (" (asked: at most 1.2)" if store.engine == "kglite" else ""))


def users_queries(url: str, driver: Any) -> None:
    """A user's query through the guard and the warm child, beside the bare engine."""
    text = "MATCH (c:Concept {graph: 'main'})-[s:SIMILAR_TO]-(d) WHERE c.key = 'main/concept/7' RETURN d.key, s.weight"
    with open_store(url) as store:
        if store.engine == "kglite":
            held = store._reading()
            passes = list(engine.disabled_passes())
            def bare() -> Any:
                return held.cypher(text, disabled_passes=passes).to_list()
        else:
            def bare() -> Any:
                with driver.session(database="neo4j", default_access_mode="READ") as session:
                    return [r.values() for r in session.run(text)]
        a, b = side_by_side(200, lambda: store.ask(text, limits=Limits()), bare)
        asked = " (asked: under 2 ms)" if store.engine == "kglite" else ""
        print(f"user's query, {store.engine:<7}  kgkt {1e3 * a:.2f} ms   bare {1e3 * b:.2f} ms   "
              f"{1e3 * (a - b):.2f} ms more{asked}")
        if store.engine == "neo4j":
            with driver.session(database="neo4j", default_access_mode="READ") as session:
                explain, = side_by_side(200, lambda: session.run(f"EXPLAIN {text}").consume())
            print(f"  of which EXPLAIN takes {1e3 * explain:.2f} ms")


def starting(path: Path) -> None:
    """How long a child takes to be ready."""
    def child() -> None:
        Child(path, 512).close()

    print(f"a child is ready and ended in {1e3 * side_by_side(10, child)[0]:.0f} ms")


def tokenizer() -> None:
    """The guard on the longest shipped query, and on one of ten thousand characters."""
    longest = max((query.text for query in statements.shipped()), key=len)
    long = "MATCH (c:Concept) WHERE " + " OR ".join(f"c.name = 'name {i}'" for i in range(450)) + " RETURN c"
    for text in (longest, long):
        middle, = side_by_side(50, lambda text=text: guard.check(text))
        print(f"guard, {len(text):,} characters   {1e3 * middle:.2f} ms"
              + (" (asked: under 2 ms)" if text is longest else ""))


def server_of_our_own() -> Iterator[servers.Server]:
    """A server, ended afterwards; the one that the environment names is left running."""
    if given := servers.given():
        yield given
        return
    server = servers.start(Path(tempfile.mkdtemp(prefix="kgkt-benchmark-")))
    try:
        yield server
    finally:
        servers.stop(server)


def main() -> None:
    """Measure everything."""
    from neo4j import GraphDatabase

    for server in server_of_our_own():
        os.environ.update(NEO4J_USERNAME="neo4j", NEO4J_PASSWORD=server.password)
        with GraphDatabase.driver(server.url, auth=("neo4j", server.password)) as driver, \
                tempfile.TemporaryDirectory() as folder:
            loading(server, driver)
            servers.empty(server)
            value, places = graph()
            path = Path(folder) / "graph.kgl"
            for url in (f"kglite:{path}", server.url):
                with_kgkt(url, value, places)
                shipped_statements(url, driver)
                users_queries(url, driver)
            starting(path)
            tokenizer()


if __name__ == "__main__":
    main()
