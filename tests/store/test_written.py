"""What a user's writing statement says that it changed, and a dry run that changes nothing; on both stores."""

from __future__ import annotations

import pytest

from kgkt.errors import QueryError, UnsafeError
from kgkt.store.load import load_graph
from kgkt.store.opening import open_store
from kgkt.store.protocol import WRITTEN
from tests.store.conftest import digest, digits_graph

STATEMENTS = {
    "CREATE (:Note:Sticky {key: 'n1'})-[:ABOUT]->(:Note {key: 'n2'})": None,  # labels and new properties: Neo4j's alone
    "MATCH (c:Concept) WHERE c.key IN ['main/concept/1', 'main/concept/2'] SET c.active = false, c.name = 'x'":
        {"properties_set": 4},
    "MATCH (c:Concept {key: 'main/concept/1'}) REMOVE c.x": {"properties_set": 1},
    "MATCH (:Concept {key: 'main/concept/0'})-[e:IN_GRAPH]->() SET e.since = 1 RETURN e.since": {"properties_set": 1},
    "MATCH (:Concept {key: 'main/concept/0'})-[e:IN_GRAPH]->() DELETE e": {"relationships_deleted": 1},
    "MATCH (a:Concept {key: 'main/concept/0'}), (g:Graph) MERGE (a)-[:IN_GRAPH]->(g)": {"relationships_created": 1},
    "MATCH (k:Class {name: '3'}) DETACH DELETE k": {"nodes_deleted": 1},
    "MATCH (c:Concept {key: 'nowhere'}) SET c.name = 'x'": {},
    "RETURN 1 AS one": {},
}  # fmt: skip


def counted(written: dict[str, int]) -> dict[str, int]:
    assert tuple(written) == WRITTEN
    return {name: n for name, n in written.items() if n}


@pytest.mark.parametrize("dry", [True, False])
def test_what_was_written_is_counted(loaded, dry):
    before = digest(loaded)
    with open_store(loaded) as store:
        for text, expected in STATEMENTS.items():
            found = counted(store.ask(text, write=True, dry=dry).written)
            if expected is None:
                assert (found["nodes_created"], found["relationships_created"]) == (2, 1)
            elif not dry or "MERGE" not in text:  # after a dry DELETE there is nothing to make again
                assert found == expected, text
    assert (digest(loaded) == before) is dry


def test_a_question_counts_nothing(loaded):
    with open_store(loaded) as store:
        assert store.ask("MATCH (c:Concept) RETURN count(c) AS n").written is None


def test_a_dry_run_shows_what_it_would_return(loaded):
    rename = "MATCH (c:Concept {key: 'main/concept/0'}) SET c.name = 'tried' RETURN c.name AS name"
    with open_store(loaded) as store:
        assert store.ask(rename, write=True, dry=True).rows == (("tried",),)
        assert store.ask("MATCH (c:Concept {name: 'tried'}) RETURN count(c) AS n").rows == ((0,),)
        assert store.ask(rename, write=True).rows == (("tried",),)
        assert store.ask("MATCH (c:Concept {name: 'tried'}) RETURN count(c) AS n").rows == ((1,),)


def test_a_dry_run_is_guarded_like_a_write(loaded):
    with open_store(loaded) as store:
        with pytest.raises(UnsafeError, match="LOAD CSV is refused"):
            store.ask("LOAD CSV FROM 'file:///etc/passwd' AS r CREATE (:X {name: r})", write=True, dry=True)
        with pytest.raises(QueryError, match="already exists"):
            store.ask("CREATE (c:Concept {key: 'main/concept/0'})", write=True, dry=True)


def test_a_dry_run_waits_for_no_writer(tmp_path):
    value, more = digits_graph()
    url = f"kglite:{tmp_path / 'graph.kgl'}"
    with open_store(url, write=True) as writer:
        load_graph(writer, "main", value, **more)
        writer.save()
        file = (tmp_path / "graph.kgl").read_bytes()
        with open_store(url) as store:
            deleted = store.ask("MATCH (c:Concept) DETACH DELETE c", write=True, dry=True).written
        assert deleted["nodes_deleted"] == len(value)
        assert (tmp_path / "graph.kgl").read_bytes() == file
