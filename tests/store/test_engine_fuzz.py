from __future__ import annotations

import pytest

from kgkt.errors import StoreError
from kgkt.store.embedded import engine
from kgkt.store.embedded.repair import repaired
from tests.store.brute import multiset
from tests.store.random_queries import cases


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(50, 250, 50))])
def test_random_queries_give_what_trying_everything_gives(first):
    import kglite

    asked = 0
    for graph_text, queries in cases(seed=0, graphs=range(first, first + 50), queries=40):
        graph = kglite.KnowledgeGraph()
        engine.run(graph, graph_text)
        for text, expected in queries:
            found = multiset(engine.answer_rows(graph, engine.run(graph, text)).rows)
            assert found == expected, f"{graph_text}\n{text}"
            asked += 1
    assert asked == 2_000


@pytest.mark.slow
def test_the_random_queries_find_the_faults_that_the_fence_is_for():
    """With the optimiser on, or the text as it is, rows go wrong: so the test above can see it."""
    import kglite

    engine.disabled_passes()
    wrong = {"optimised": 0, "as it is": 0}
    for graph_text, queries in cases(seed=0, graphs=range(120), queries=40):
        graph = kglite.KnowledgeGraph()
        engine.run(graph, graph_text)
        for text, expected in queries:
            for how, passes, asked in (("optimised", [], repaired(text)),
                                       ("as it is", list(engine.disabled_passes()), text)):
                answer = graph.cypher(asked, disabled_passes=passes)
                rows = [tuple(row[column] for column in answer.columns) for row in answer.to_list()]
                wrong[how] += multiset(rows) != expected
    assert wrong["optimised"] > 0
    assert wrong["as it is"] > 0


def test_an_engine_without_a_pass_that_must_stay_on_is_refused(monkeypatch):
    monkeypatch.setattr(engine, "KEEP", (*engine.KEEP, "no_such_pass"))
    engine.disabled_passes.cache_clear()
    with pytest.raises(StoreError, match=r"has no pass no_such_pass: install kglite==0\.21\.2"):
        engine.disabled_passes()
    monkeypatch.undo()
    engine.disabled_passes.cache_clear()
    import kglite

    assert set(kglite.cypher_pass_names()) - set(engine.disabled_passes()) == set(engine.KEEP)


def test_only_one_function_calls_the_engine():
    from pathlib import Path

    package = Path(engine.__file__).parents[2]
    calls = [(path.name, line.strip()) for path in package.rglob("*.py")
             for line in path.read_text(encoding="utf-8").splitlines() if ".cypher(" in line]
    assert calls == [("engine.py", "answer = graph.cypher(")]
    # the driver of a server has sessions, which are another matter
    text = "\n".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py")
                     if path.parent != package / "store" / "server")
    assert "class KgliteStore" in text
    for forbidden in (".begin(", ".begin_read(", ".session(", ".freeze(", "lock=False", "os.fork"):
        assert forbidden not in text, forbidden


def test_the_engine_is_pinned():
    import importlib.metadata

    assert importlib.metadata.version("kglite") == "0.21.2"
    assert "kglite==0.21.2" in importlib.metadata.requires("kgkt")


@pytest.mark.parametrize(("text", "expected"), [
    ("MATCH (a) WHERE EXISTS { (a)-->()-->() } RETURN a",
     "MATCH (a) WHERE EXISTS { (a)-->()-->()  WHERE true } RETURN a"),
    ("MATCH (a) WHERE EXISTS { MATCH (a)-->(b) WHERE (b)--()--() } RETURN a",
     "MATCH (a) WHERE EXISTS { MATCH (a)-->(b) WHERE EXISTS { MATCH (b)--()--() WHERE true } } RETURN a"),
    ("MATCH (a) WHERE exists((a)-[:R]->(b {x: [1]})<-[r*1..2]-()) RETURN 1",
     "MATCH (a) WHERE (EXISTS { MATCH (a)-[:R]->(b {x: [1]})<-[r*1..2]-() WHERE true }) RETURN 1"),
    ("MATCH (a) RETURN CASE WHEN (a)--()--() THEN 1 END AS x",
     "MATCH (a) RETURN CASE WHEN EXISTS { MATCH (a)--()--() WHERE true } THEN 1 END AS x"),
    ("/* a\n'*/RETURN/**/'/*' AS x // b", "    \n   RETURN    '/*' AS x // b"),
])
def test_existence_is_asked_so_that_the_engine_looks_at_every_candidate(text, expected):
    assert repaired(text) == expected


@pytest.mark.parametrize("text", [
    "MATCH (a)-->()-->(b) RETURN a, b",
    "MATCH (a) RETURN size([(a)-->()-->()-->(c) | c]) AS n, [p = (a)-->()-->() | p] AS paths",
    "MATCH p = shortestPath((a)-[*1..3]-(b)) RETURN COUNT { (a)-->()-->() } AS n",
    "MATCH (a) WITH a, (a.x) - (a.y) - (a.z) AS d WHERE a.where = 2 RETURN d",
    "MATCH (a) WHERE (a)-->() RETURN a {.name, exists: 1}",
    "RETURN '(a)-->()-->()' AS s // WHERE (a)-->()-->()",
    "MATCH (a) WHERE 'no end",
    "MATCH (a) CALL { WITH a MATCH (a)-->()-->(c) RETURN c } RETURN c",
    "MERGE (a:L {key: 1})-[:T]->(b:L {key: 2})-[:T]->(c:L {key: 3})",
])
def test_all_else_is_sent_as_it_is(text):
    assert repaired(text) == text
