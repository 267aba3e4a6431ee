"""The embedded store and Neo4j side by side: the same statements, the same rows."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from kgkt.errors import KgktError, UnsafeError
from kgkt.store import guard, statements
from kgkt.store.embedded.engine import HIDDEN
from kgkt.store.load import set_merged
from kgkt.store.opening import open_store
from kgkt.store.protocol import Rows, Statement
from tests.store.both_queries import DIFFERENT, PARAMS, QUERIES
from tests.store.conftest import digest, fill
from tests.store.test_statements import GIVEN

FILES = sorted(path for path in statements.folder().rglob("*.cypher") if path.suffixes == [".cypher"])
# The rows and parameters of statements that write, in an order in which each finds something to do.
WRITES: dict[str, tuple[list[dict[str, Any]] | None, dict[str, Any]]] = {
    **{f"constraint_{label}": (None, {}) for label in ("graph", "model", "concept", "theme", "item", "class", "block")},
    **{f"write_{kind}": ([{"key": f"g/{kind}/{i}", "props": {"graph": "g", "name": f"{kind} {i}", "model": "m", "x": 0.5}}
                          for i in range(3)], {}) for kind in ("models", "concepts", "themes", "items", "classes")},
    "write_blocks": ([*({"key": f"g/blocks/{i}", "props": {"graph": "g", "name": f"blocks {i}", "model": "m", "x": 0.5}}
                        for i in range(3)), {"key": "g/blocks/row", "props": {
                            "graph": "g", "name": "word", "model": "m", "layer": "l", "kind": "row"}}], {}),
    "write_graphs": ([{"key": "g", "props": {"graph": "g", "name": "g", "complete": True}}], {}),
    **{f"write_{name}": ([{"a": a, "b": b, "props": {"w": 1.5, "by": "me"}}], {}) for name, a, b in (
        ("in_graph", "g/concepts/0", "g"), ("learned_from", "g", "g/models/0"), ("in_model", "g/blocks/0", "g/models/1"),
        ("part_of", "g/concepts/0", "g/themes/1"), ("similar_to", "g/concepts/0", "g/concepts/2"),
        ("example_of", "g/items/0", "g/concepts/0"), ("labelled", "g/items/0", "g/classes/0"),
        ("labelled_not", "g/items/1", "g/classes/2"), ("leans_to", "g/concepts/1", "g/classes/1"),
        ("maps_to", "g/concepts/1", "g/blocks/2"), ("carried_by", "g/concepts/1", "g/models/1"), ("merged_into", "g/concepts/1", "g/concepts/0"),
        ("arrived_in", "g/concepts/1", "g/models/0"), ("corresponds_to", "g/concepts/1", "g/concepts/2"))},
    "write_measured": ([{"a": "g/concepts/1", "b": "g/blocks/2", "measured": 0.5},
                        {"a": "g/concepts/0", "b": "g/blocks/0", "measured": 0.25}], {}),
    "clear_measured": (None, {"graph": "g", "model": "m"}),
    "delete_merged_into": ([{"key": "g/concepts/1"}, {"key": "g/nothing"}], {}),
    "set_class_index": ([{"key": "g/classes/0", "index": 0}, {"key": "g/nothing", "index": 1}], {}),
    "clear_class_index": ([{"graph": "g", "name": "classes 0"}, {"graph": "g", "name": "nothing"}], {}),
    "set_concept_active": ([{"key": "g/concepts/1", "active": False}], {}),
    "set_concept_name": ([{"key": "g/concepts/1", "name": "it's"}], {}),
    "delete_ticks": ([{"item": "g/items/1", "class": "classes 2"}, {"item": "g/items/0", "class": "classes 0"}], {}),
    "delete_labels": ([{"item": "g/items/1", "class": "classes 0"}], {}),
    "delete_labels_of_items": ([{"item": "g/items/0"}], {}),
    "delete_items": ([{"key": "g/items/0"}, {"key": "g/items/2"}, {"key": "g/nothing"}], {}),
    "delete_classes": ([{"key": "g/classes/2"}, {"key": "g/nothing"}], {}),
    "know_graph": (None, {}),
    "clear_leans_to": (None, {"graph": "g"}),
    "clear_arrived_in": (None, {"graph": "g", "model": "models 0"}),
    "clear_corresponds_to": (None, {"graph": "g", "other": "g"}),
    "clear_rows": (None, {"graph": "g", "model": "m", "layer": "l"}),
    "clear_model_blocks": (None, {"graph": "g", "model": "m"}),
    **{f"clear_{kind}": (None, {"graph": "g"}) for kind in ("blocks", "models", "concepts", "themes", "items", "classes")},
    "delete_graph": (None, {"graph": "g"}),
}
# For the queries of the Browser, which have no defaults.
BROWSED = {"concept": "c3", "a": "1", "b": "2", "class": "1", "layer": "dense", "index": 1, "model": "b",
          "other": "other"}
# Any node will do for the first; of the second Neo4j forgets none that ever was.
ANY_WILL_DO = {"warm_up", "schema_properties"}
ENGINES_OWN = {"spend_ids", "next_ids", "element_keys"}  # about ids, which each engine has its own of


@pytest.fixture(scope="module")
def urls(neo4j_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """URLs of the same graph in both stores."""
    from tests import neo4j_server as servers

    embedded = f"kglite:{tmp_path_factory.mktemp('both') / 'graph.kgl'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEO4J_USERNAME", "neo4j")
        patch.setenv("NEO4J_PASSWORD", neo4j_server.password)
        patch.delenv("NEO4J_DATABASE", raising=False)
        servers.empty(neo4j_server, bare=True)
        for url in (embedded, neo4j_server.url):
            fill(url)
            with open_store(url, write=True) as store:  # the embedded engine forgets no type that ever was
                set_merged(store, "main", [(8, 9)])
        yield embedded, neo4j_server.url


@pytest.fixture(scope="module")
def stores(urls: Any) -> Any:
    """Both, opened to read."""
    with open_store(urls[0]) as embedded, open_store(urls[1]) as server:
        yield embedded, server


def plain(value: Any, ordered: bool) -> Any:
    """A value to compare: floats to twelve digits, lists without their order where the query asks for none."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {k: plain(v, ordered) for k, v in value.items()}
    if isinstance(value, list | tuple):
        inner = [plain(v, ordered) for v in value]
        return inner if ordered else sorted(inner, key=lambda v: json.dumps(v, sort_keys=True))
    return value


def comparable(rows: Rows, text: str) -> Any:
    ordered = "ORDER BY" in text
    flat = [json.dumps(plain(list(row), ordered or ("collect" not in text.lower() and "keys(" not in text and "| k" not in text)),
                       sort_keys=True) for row in rows.rows]
    return rows.columns, flat if ordered else Counter(flat)


def test_there_are_enough_queries():
    assert len(QUERIES) >= 80
    assert len(set(QUERIES)) == len(QUERIES)


def without_hidden(value: Any) -> Any:
    """What `properties()` gives, without what the embedded engine adds."""
    return {k: v for k, v in value.items() if k not in HIDDEN} if isinstance(value, dict) else value


def reads(text: str) -> bool:
    try:
        guard.check(text)
    except UnsafeError:
        return False
    return True


def test_every_statement_that_writes_leaves_the_same(urls):
    assert set(WRITES) == {path.stem for path in FILES if not reads(path.read_text(encoding="utf-8"))} - ENGINES_OWN
    before = digest(urls[0])
    for name, (rows, params) in WRITES.items():
        for url in urls:
            with open_store(url, write=True) as store:
                store.write(statements.load(name, store.engine), rows, params)
        assert digest(urls[0]) == digest(urls[1]), name
    assert digest(urls[0]) == before


@pytest.mark.parametrize("path", [path for path in FILES if reads(path.read_text(encoding="utf-8"))],
                         ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_statement_that_reads_gives_the_same(stores, path):
    text = path.read_text(encoding="utf-8")
    described = statements.describe(path.stem, text)
    if path.stem in ENGINES_OWN | ANY_WILL_DO:
        return
    given = {**described.defaults, "graph": "main", **GIVEN.get(path.stem, {})}
    given |= {name: value for name, value in BROWSED.items() if name not in given}
    params = {name: given[name] for name in described.params}
    answers = []
    for store in stores:
        rows = store.read(Statement(path.stem, text), params)
        kept = tuple(i for i, column in enumerate(rows.columns) if column not in ("id", "start", "end"))
        found = tuple(tuple(without_hidden(row[i]) for i in kept) for row in rows.rows)
        answers.append(comparable(Rows(rows.columns, found), text if path.parent.name != "browser" else ""))
    assert answers[0] == answers[1]
    if "LIMIT $limit" not in text and path.stem not in ("foreign", "snapshot_strays", "lone_items"):
        assert answers[0][1]


@pytest.mark.parametrize(("text", "embedded", "server"), DIFFERENT)
def test_where_they_differ(stores, text, embedded, server):
    for store, expected in zip(stores, (embedded, server), strict=True):
        if isinstance(expected, str):
            with pytest.raises(KgktError) as error:
                store.ask(text)
            assert expected in str(error.value)
        else:
            assert [list(row) for row in store.ask(text).rows] == expected


def test_both_hold_the_same(urls):
    assert digest(urls[0]) == digest(urls[1])


@pytest.mark.parametrize("text", QUERIES)
def test_a_query_gives_the_same_rows(stores, text):
    params = {name: value for name, value in PARAMS.items() if f"${name}" in text}
    answers = [comparable(store.ask(text, params), text) for store in stores]
    assert answers[0] == answers[1]
