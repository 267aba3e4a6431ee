"""Indexes, other people's nodes in the database, and one writer a graph."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from kgkt.errors import InputError, StoreError, UsageError
from kgkt.store.foreign import admit
from kgkt.store.load import begin, drop, load_graph, set_names
from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from kgkt.store.readback import list_graphs, read_info
from kgkt.store.server import lease
from kgkt.store.server.store import Neo4jStore
from tests.store.conftest import digest, digits_graph, run


@pytest.fixture
def neo4j_url(bare_neo4j_url):
    """Here it is seen which constraints and indexes are made."""
    return bare_neo4j_url


def test_keys_are_unique_and_centroids_and_names_are_searchable(asked):
    names = {row[0]: row[1:] for row in run(asked, "SHOW INDEXES YIELD name, type, labelsOrTypes WHERE type <> 'LOOKUP' "
                                                   "RETURN name, type, labelsOrTypes")}
    assert len(run(asked, "SHOW CONSTRAINTS")) == 7
    assert names["kgkt_centroids"] == ("VECTOR", ["Concept"])
    assert names["kgkt_names"] == ("FULLTEXT", ["Concept", "Theme", "Class", "Item"])
    run(asked, "CALL db.awaitIndexes(60)")
    value, _ = digits_graph()
    with open_store(asked) as store:
        found = store.ask("CALL db.index.vector.queryNodes('kgkt_centroids', 3, $v) YIELD node, score "
                          "RETURN node.key AS key, score", {"v": value.centroids[5].tolist()})
        assert found.rows[0][0] == "main/concept/5"
        assert found.rows[0][1] == pytest.approx(1, abs=1e-4)
        words = store.ask("CALL db.index.fulltext.queryNodes('kgkt_names', 'c7') YIELD node RETURN node.key")
        assert words.rows == (("main/concept/7",),)


FOREIGN = ("CREATE (a:Item {name: 'theirs', key: 'k', sku: 1})-[:SOLD]->(c:Class {name: 'shoes'}), (m:Model {name: 'T', key: 'k'}), "
           "(m2:Model {name: 'T2', key: 'k'}), (g:Graph {title: 'plot'}), (p:Person {name: 'Ann'})")


def foreign_part(url: str) -> list:
    return sorted(map(repr, run(url, "MATCH (n) WHERE n.graph IS NULL OPTIONAL MATCH (n)-[r]-(m) "
                                     "RETURN labels(n), properties(n), type(r), properties(m)")))


def test_other_peoples_nodes_are_counted_and_refused_before_any_write(neo4j_url):
    run(neo4j_url, FOREIGN)
    before = digest(neo4j_url)
    with open_store(neo4j_url, write=True) as store:
        with pytest.raises(StoreError, match=r"^the database holds nodes that are not kgkt's \(1 Graph, 2 Model, 1 Item, "
                                             r"1 Class\): use another database, or --shared") as error:
            admit(store, "main", "run", shared=False)
        assert error.value.exit_code == 4
    assert digest(neo4j_url) == before
    assert run(neo4j_url, "SHOW CONSTRAINTS") == []


def test_shared_goes_on_and_touches_none_of_them(neo4j_url):
    run(neo4j_url, FOREIGN)
    before = foreign_part(neo4j_url)
    value, more = digits_graph()
    with open_store(neo4j_url, write=True) as store:
        admit(store, "main", "run", shared=True)
        store.hold("main")
        load_graph(store, "main", value, **more, shared=True)
        assert [info["name"] for info in list_graphs(store)] == ["main"]
    bound = {row[0] for row in run(neo4j_url, "SHOW CONSTRAINTS YIELD labelsOrTypes RETURN labelsOrTypes[0]")}
    assert bound == {"Concept", "Theme", "Block"}
    assert foreign_part(neo4j_url) == before
    run(neo4j_url, "CREATE (m:Model {key: 'main/model/a', name: 'their own, with our key'})")  # nothing hinders them
    with open_store(neo4j_url, write=True) as store:
        load_graph(store, "main", value, **more, shared=True)
        set_names(store, "main", {0: "x"})
        drop(store, "main")
    run(neo4j_url, "MATCH (m:Model {key: 'main/model/a'}) DETACH DELETE m")
    assert foreign_part(neo4j_url) == before


def test_foreign_keys_like_ours_are_refused_even_when_shared(neo4j_url):
    run(neo4j_url, "CREATE (:Item {key: 'main/item/1'})")
    with open_store(neo4j_url, write=True) as store:
        with pytest.raises(StoreError, match=r"holds 1 node of other people with keys like those of graph main"):
            admit(store, "main", "run", shared=True)
        admit(store, "other", "run", shared=True)


@pytest.mark.parametrize("kind", ["kglite", "neo4j"])
def test_the_embedded_store_asks_the_same(kind, tmp_path, request):
    url = request.getfixturevalue("neo4j_url") if kind == "neo4j" else f"kglite:{tmp_path / 'g.kgl'}"
    value, more = digits_graph()
    with open_store(url, write=True) as store:
        store.write(Statement("foreign", "CREATE (:Item {name: 'a', key: 'z'}), (:Class {name: 'b', key: 'y'})"))
        with pytest.raises(StoreError, match=r"\(1 Item, 1 Class\): use another database, or --shared"):
            admit(store, "main", "mine", shared=False)
        admit(store, "main", "mine", shared=True)
        load_graph(store, "main", value, **{**more, "info": {**more["info"], "run": "mine"}}, shared=True)
        admit(store, "main", "mine", shared=False)  # only the first load is asked
        with pytest.raises(InputError, match="the database holds a graph main that was made from another run directory"):
            admit(store, "main", "yours", shared=True)


def test_where_a_constraint_cannot_be_made_the_graph_is_the_same(neo4j_url, caplog):
    value, more = digits_graph()
    with open_store(neo4j_url, write=True) as store:
        load_graph(store, "main", value, **more)
    whole = digest(neo4j_url)
    run(neo4j_url, "DROP CONSTRAINT kgkt_item_key")
    run(neo4j_url, "UNWIND [1, 2] AS i CREATE (:Item {graph: 'odd', key: 'twice', name: 'x'})")
    with open_store(neo4j_url, write=True) as store, caplog.at_level("WARNING", "kgkt"):
        load_graph(store, "main", value, **more)
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said.startswith("1 of 7 keys are not indexed in database neo4j: slower, still right (")
    assert "Unable to create Constraint" in said
    assert "\n" not in said
    run(neo4j_url, "MATCH (n {graph: 'odd'}) DELETE n")
    assert digest(neo4j_url) == whole


HOLDER = """
import sys
from kgkt.store.opening import open_store
store = open_store(sys.argv[1], write=True)
store.hold("main")
print("held", flush=True)
sys.stdin.readline()
store.close()
print("ended", flush=True)
"""


def holder(url: str) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.stdin.close()
    process.stdout.close()
    process.wait(30)


def test_of_two_writers_one_wins_and_the_other_says_so(asked):
    before = digest(asked)
    first = holder(asked)
    with open_store(asked, write=True) as store:
        with pytest.raises(StoreError, match=rf"^graph main is busy, held by pid {first.pid} on {socket.gethostname()}: "
                                             "it is being written; try again"):
            store.hold("main")
        store.hold("other")  # another graph is another matter
    with open_store(asked) as reader:
        assert read_info(reader, "main")["complete"] is True
        assert "writer" not in read_info(reader, "main")
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.stdout.readline() == "ended\n"
    end(first)
    assert digest(asked) == before
    with open_store(asked, write=True) as store:
        store.hold("main")


def test_a_writer_that_died_is_followed_at_once(asked):
    before = digest(asked)
    first = holder(asked)
    first.kill()
    end(first)
    with open_store(asked, write=True) as store:
        store.hold("main")
    assert digest(asked) == before


def write_on(store: Neo4jStore) -> None:
    """Write until it is refused: a store that was followed knows it from its next beat on."""
    while True:
        set_names(store, "main", {0: "x"})


def test_a_writer_elsewhere_that_is_not_heard_of_any_more_is_followed(asked, monkeypatch):
    elsewhere = "pid 1 on far-away 000000000000-abcdef"
    run(asked, "MATCH (g:Graph {key: 'main'}) SET g.writer = $w, g.writer_until = timestamp() + 60000", w=elsewhere)
    with open_store(asked, write=True) as store:
        with pytest.raises(StoreError, match="held by pid 1 on far-away"):
            store.hold("main")
        run(asked, "MATCH (g:Graph {key: 'main'}) SET g.writer_until = timestamp() - 1")
        monkeypatch.setattr(lease, "BEAT_SECONDS", 0.05)
        store.hold("main")
        run(asked, "MATCH (g:Graph {key: 'main'}) SET g.writer = $w, g.writer_until = timestamp() + 60000", w=elsewhere)
        with pytest.raises(StoreError, match="another writer took graph main over"):
            write_on(store)
    assert run(asked, "MATCH (g:Graph {key: 'main'}) RETURN g.writer") == [(elsewhere,)]  # ours to end no longer


def test_a_graph_that_is_only_held_leaves_nothing_behind(neo4j_url):
    with open_store(neo4j_url, write=True) as store:
        store.hold("main")
        with open_store(neo4j_url) as reader, pytest.raises(InputError, match="being rebuilt, or interrupted"):
            read_info(reader, "main")
    assert run(neo4j_url, "MATCH (n) RETURN count(n)") == [(0,)]
    with open_store(neo4j_url, write=True) as store:
        store.hold("main")
        begin(store, "main")
    assert run(neo4j_url, "MATCH (n:Graph) RETURN n.complete, n.writer") == [(False, None)]


def test_many_writers_at_once_and_no_constraint_leave_one_graph_node(neo4j_url):
    processes = [subprocess.Popen([sys.executable, "-c", HOLDER, neo4j_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, text=True) for _ in range(5)]
    said = [process.stdout.readline() for process in processes]
    assert sorted(said) == ["", "", "", "", "held\n"]
    assert run(neo4j_url, "MATCH (n:Graph) RETURN count(n)") == [(1,)]
    for process in processes:
        end(process)
    assert run(neo4j_url, "MATCH (n:Graph) RETURN count(n)") == [(0,)]


def test_a_store_opened_to_read_does_not_write(asked):
    with open_store(asked) as store, pytest.raises(UsageError, match="was opened to read"):
        set_names(store, "main", {0: "x"})
    with open_store(asked, write=True) as store, pytest.raises(UsageError, match="opens the store itself"):
        store.ask("CREATE (n:X)", write=True)
